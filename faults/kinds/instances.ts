import { ensure, pause } from '../../conformance/stage.ts';
import type { Fault } from '../fault.ts';

const ofVictim: Fault['hits'] = ({ devices, victim }) => devices.filter(device => device.instance() === victim);

const stopped = (name: string, lastsSec: number): Fault => ({
  name,
  sentence: `An instance that stands still for ${lastsSec} s keeps nobody else waiting, and goes on where it was.`,
  lastsSec,
  // its own clients get no answer in 10 s, and more waits for it then than it takes of one connection at once
  reach: { gapMs: 2_000, refusals: ['unavailable', 'late', 'rate_limited'] },
  hits: ofVictim,
  inflict({ victim }) {
    victim.pause();
    return () => victim.resume();
  },
});

export const instanceFaults: Fault[] = [
  {
    name: 'kill-one',
    sentence:
      'An instance that is killed takes nothing along: its clients are back elsewhere, the others notice nothing.',
    reach: { gapMs: 1_000, reconnectMs: 3_000, refusals: [] },
    hits: ofVictim,
    async inflict({ victim }) {
      await victim.kill();
      return () => victim.start();
    },
  },
  {
    name: 'kill-all',
    sentence:
      'When all instances are killed nothing that was acknowledged is lost, and everybody comes back by himself.',
    reach: { ackAgainMs: 2_000, refusals: ['unavailable', 'server_busy'] },
    hits: ({ devices }) => [...devices],
    async inflict({ site }) {
      await Promise.all(site.instances.map(one => one.kill()));
      return () => Promise.all(site.instances.map(one => one.start()));
    },
  },
  {
    name: 'rolling-restart',
    sentence: 'A deployment that restarts one instance after another fails no send, and nobody is away for long.',
    reach: { reconnectMs: 2_000, refusals: ['server_draining'] },
    hits: ({ devices }) => [...devices],
    async inflict({ site }) {
      for (const one of site.instances) {
        const code = await one.stop();
        ensure(code === 0, `an instance exited with ${code}`);
        await one.start();
        await pause(1_000); // until the balancer has seen it
      }
      return () => {};
    },
  },
  stopped('stop-5', 5),
  stopped('stop-25', 25),
];
