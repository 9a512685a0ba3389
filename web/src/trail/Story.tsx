import { useState } from "react";
import type { Sentence } from "../api";
import { clock, full } from "../format";

const SHORT = 6;

/** What happened, in sentences; a sentence selects its node. */
export function Story({ story, selected, select }: { story: Sentence[]; selected?: string; select: (node: string) => void }) {
  const [all, setAll] = useState(false);
  if (!story.length) return null;
  const long = story.length > SHORT + 2;
  const shown = all || !long ? story : story.slice(0, SHORT);
  return (
    <section className="story" aria-label="The story">
      <ol>
        {shown.map((sentence, i) => (
          <li key={`${sentence.node_id}-${i}`}>
            <time dateTime={sentence.time} title={full(sentence.time)}>
              {clock(sentence.time, true)}
            </time>
            <button type="button" aria-pressed={sentence.node_id === selected} onClick={() => select(sentence.node_id)}>
              {sentence.text}
            </button>
            {sentence.shows_at && (
              <button type="button" className="link" onClick={() => select(sentence.shows_at!)}>
                where it shows
              </button>
            )}
          </li>
        ))}
      </ol>
      {long && (
        <button type="button" className="link" onClick={() => setAll(!all)}>
          {all ? "Shorter" : `${story.length - SHORT} more`}
        </button>
      )}
    </section>
  );
}
