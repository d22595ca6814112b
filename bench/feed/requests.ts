import { Agent, request } from 'node:http';

const agent = new Agent({ keepAlive: true, maxSockets: 8 });

export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a benchmark reads any answer
  body: any;
}

/** One request over a kept connection. */
export function call(url: string, token = '', post?: object): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}`, ...(post && { 'content-type': 'application/json' }) };
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method: post ? 'POST' : 'GET', headers }, response => {
      let text = '';
      response.setEncoding('utf8').on('data', chunk => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode!, body: JSON.parse(text) }));
    });
    sent.on('error', reject).end(post && JSON.stringify(post));
  });
}

/** Each url once, so many at a time; returns how long each took. Throws for an answer that is none. */
export async function measure(urls: readonly string[], clients: number, token: string): Promise<number[]> {
  const waits: number[] = [];
  const waiting = [...urls];
  const client = async () => {
    for (let url = waiting.pop(); url !== undefined; url = waiting.pop()) {
      const startedAt = performance.now();
      const { status } = await call(url, token);
      waits.push(performance.now() - startedAt);
      if (status !== 200) throw new Error(`${url} was answered ${status}`);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return waits;
}
