import type { Fault } from '../fault.ts';

const MINUTES = 10;

const stepped = (name: string, minutes: number): Fault => ({
  name,
  needs: 'clocks',
  sentence: `The clock of an instance steps by ${minutes > 0 ? '+' : '−'}${MINUTES} minutes and back: nobody is refused, order stays.`,
  reach: { gapMs: 1_000, slowerMs: 100, refusals: [] },
  async inflict({ victim }) {
    await victim.clock!.step(minutes * 60);
    return () => victim.clock!.step(0);
  },
});

export const clockFaults: Fault[] = [stepped('clock-ahead', MINUTES), stepped('clock-back', -MINUTES)];
