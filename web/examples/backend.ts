/** What the examples ask of their own backend. */

/** The address of the Sightline server; vite.config.ts says it. */
declare const HUB: string;
export const hub = new URL(HUB);

export interface Camera {
  id: string;
  name: string;
}

async function ask(path: string): Promise<Record<string, unknown>> {
  const answer = await fetch(`/site/${path}`);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail ?? `HTTP ${answer.status}`);
  return body;
}

/** A token with which this visitor may look at a camera. */
export async function tokenFor(device: string): Promise<string> {
  return String((await ask(`token/${device}`)).token);
}

export async function cameras(): Promise<Camera[]> {
  return (await ask("devices")).devices as Camera[];
}
