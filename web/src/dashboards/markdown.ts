/** The little of Markdown that a text panel knows, as a tree; never as markup. Pure. */

export type Inline = { text: string } | { strong: string } | { code: string } | { link: string; to: string };
export type Block = { heading: Inline[] } | { list: Inline[][] } | { paragraph: Inline[] };

const INLINE = /\*\*([^*\n]+)\*\*|`([^`\n]+)`|\[([^\]\n]+)\]\(([^()\s]+)\)/g;

/** Links lead to a screen of this page or to the web; any other scheme stays text. */
export function safeTarget(target: string): boolean {
  return /^\/(?!\/)/.test(target) || /^https?:\/\//i.test(target);
}

export function inline(text: string): Inline[] {
  const parts: Inline[] = [];
  let from = 0;
  for (const found of text.matchAll(INLINE)) {
    const [whole, strong, code, link, to] = found;
    if (link !== undefined && !safeTarget(to)) continue;
    if (found.index > from) parts.push({ text: text.slice(from, found.index) });
    parts.push(strong !== undefined ? { strong } : code !== undefined ? { code } : { link, to });
    from = found.index + whole.length;
  }
  if (from < text.length) parts.push({ text: text.slice(from) });
  return parts;
}

export function blocks(text: string): Block[] {
  const found: Block[] = [];
  let paragraph: string[] = [];
  const end = () => {
    if (paragraph.length) found.push({ paragraph: inline(paragraph.join(" ")) });
    paragraph = [];
  };
  for (const line of text.split(/\r?\n/)) {
    const heading = /^#{1,3}\s+(.+)$/.exec(line);
    const item = /^\s*[-*]\s+(.+)$/.exec(line);
    if (heading || item || !line.trim()) end();
    const last = found.at(-1);
    if (heading) found.push({ heading: inline(heading[1]) });
    else if (item && last && "list" in last) last.list.push(inline(item[1]));
    else if (item) found.push({ list: [inline(item[1])] });
    else if (line.trim()) paragraph.push(line.trim());
  }
  end();
  return found;
}
