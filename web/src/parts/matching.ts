/** Which of many names somebody means who types a few letters. Pure. */

/** Smaller is better; null where the letters do not occur in this order. */
export function rank(name: string, typed: string): number | null {
  const [text, wanted] = [name.toLowerCase(), typed.toLowerCase().trim()];
  if (!wanted) return 0;
  const at = text.indexOf(wanted);
  if (at === 0) return 0;
  if (at > 0) return /[^a-z0-9]/.test(text[at - 1]) ? 1 : 2;
  let from = 0;
  for (const letter of wanted) {
    const found = text.indexOf(letter, from);
    if (found < 0) return null;
    from = found + 1;
  }
  return 3 + (from - wanted.length) / 100;
}

/** The best matches, the better and then the earlier first. */
export function best<T extends { name: string }>(items: T[], typed: string, most: number): T[] {
  const ranked = items.flatMap((item, i) => {
    const value = rank(item.name, typed);
    return value === null ? [] : [{ item, value, i }];
  });
  return ranked.sort((a, b) => a.value - b.value || a.i - b.i).slice(0, most).map((one) => one.item);
}
