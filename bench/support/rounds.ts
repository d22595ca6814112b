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
