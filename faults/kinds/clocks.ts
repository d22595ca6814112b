import { ensure } from '../../conformance/stage.ts';
import { eventually } from '../../tests/support/eventually.ts';
import type { Fault } from '../fault.ts';
import type { Instance } from '../instance.ts';
import { resetConnections } from '../networks.ts';

const MINUTES = 10;

/** As its answers tell it. */
async function minutesAhead({ url }: Instance): Promise<number> {
  const { headers } = await fetch(`${url}/healthz`);
  return (Date.parse(headers.get('date')!) - Date.now()) / 60_000;
}

const stepped = (name: string, minutes: number): Fault => ({
  name,
  needs: 'clocks',
  sentence: `The clock of an instance steps by ${minutes > 0 ? '+' : '−'}${MINUTES} minutes and back: nobody is refused, order stays, whoever is cut comes back.`, // biome-ignore format: one line reads better
  reach: { gapMs: 1_000, slowerMs: 100, refusals: [] },
  hits: ({ devices, victim }) => devices.filter(device => device.instance() === victim),
  async inflict({ victim, hit }) {
    await victim.clock!.step(minutes * 60);
    await eventually(async () => ensure(Math.round(await minutesAhead(victim)) === minutes, 'its clock does not step'));
    resetConnections([...hit].map(one => one.line));
    return () => victim.clock!.step(0);
  },
});

export const clockFaults: Fault[] = [stepped('clock-ahead', MINUTES), stepped('clock-back', -MINUTES)];
