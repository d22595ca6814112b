/** Round by round one after the other, so that whatever slows the machine slows all of them. */
export async function inTurns<Subject extends { name: string }, Round>(
  subjects: readonly Subject[],
  rounds: number,
  measure: (subject: Subject, round: number) => Promise<Round>,
): Promise<Map<string, Round[]>> {
  const results = new Map<string, Round[]>(subjects.map(one => [one.name, []]));
  for (let round = 0; round < rounds; round += 1)
    for (const subject of subjects) results.get(subject.name)!.push(await measure(subject, round));
  return results;
}

/** So many at once, then the next. Results are in the order of the items. */
export async function inSlices<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += atOnce)
    results.push(...(await Promise.all(items.slice(from, from + atOnce).map(work))));
  return results;
}
