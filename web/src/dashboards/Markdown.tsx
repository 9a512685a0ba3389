import { Link } from "@tanstack/react-router";
import { blocks, type Inline } from "./markdown";

/** Text of a dashboard: everything that is not the little Markdown known is shown as it was written. */
export function Markdown({ text }: { text: string }) {
  return (
    <div className="words">
      {blocks(text).map((block, at) => {
        if ("heading" in block) return <h4 key={at}><Line parts={block.heading} /></h4>;
        if ("paragraph" in block) return <p key={at}><Line parts={block.paragraph} /></p>;
        return (
          <ul key={at}>
            {block.list.map((item, i) => (
              <li key={i}><Line parts={item} /></li>
            ))}
          </ul>
        );
      })}
    </div>
  );
}

function Line({ parts }: { parts: Inline[] }) {
  return parts.map((part, at) => {
    if ("strong" in part) return <strong key={at}>{part.strong}</strong>;
    if ("code" in part) return <code key={at}>{part.code}</code>;
    if (!("link" in part)) return part.text;
    if (part.to.startsWith("/")) return <Link key={at} to={part.to}>{part.link}</Link>;
    return <a key={at} href={part.to} rel="noreferrer noopener" target="_blank">{part.link}</a>;
  });
}
