import type { ReactNode } from "react";

/** What a screen says first: how it is, in a sentence, and what that rests on. */
export function Said({ said, children }: { said: { tone: string; headline: string; details: string[] }; children?: ReactNode }) {
  return (
    <p className={`verdict ${said.tone}`} role="status">
      <span className="verdict-mark" aria-hidden />
      <span>
        <strong>{said.headline}</strong>
        {said.details.map((line) => (
          <small key={line}>{line}</small>
        ))}
        {children}
      </span>
    </p>
  );
}

/** A name, its value, its tone, and what it means. */
export type Fact = [string, ReactNode, string?, string?];

export function Facts({ facts }: { facts: Fact[] }) {
  return (
    <dl className="summary">
      {facts.map(([name, value, tone, title]) => (
        <div key={name} title={title}>
          <dt>{name}</dt>
          <dd className={tone}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
