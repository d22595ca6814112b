export interface Load {
  url: string;
  /** A second server: every other recipient is there. */
  otherUrl?: string;
  /** A pair: the sender, the recipient, their thread. */
  pairs: { thread_id: string; sender: Client; recipient: Client }[];
  /** Of each of the two; what is sent is heard by all of them but, where there is only one each, the sender's. */
  devices: number;
  inFlight: number;
  /** Messages/s of all together, sent whatever the server does; instead of `inFlight`. */
  rate?: number;
  warmUpMs: number;
  measureMs: number;
  /** Connects recipients to their notifications too, and counts what they hear. */
  bell: boolean;
}

export interface Client {
  user_id: string;
  access: string;
}

export interface Measured {
  /** Stored, acknowledged and delivered to all within the measured time. */
  messages: number;
  deliveries: number;
  seconds: number;
  notifications: number;
  /** Refused, or not answered within 10 s after the end. */
  failures: number;
  /** Acknowledged, and not delivered to a device within 10 s after the end; deliveries too many; those that came after one with a higher seq. */
  lost: number;
  twice: number;
  disordered: number;
  ackMs: number[];
  deliveryMs: number[];
}

export const nothingMeasured = (): Measured => ({
  ...{ messages: 0, deliveries: 0, seconds: 0, notifications: 0, failures: 0 },
  ...{ lost: 0, twice: 0, disordered: 0, ackMs: [], deliveryMs: [] },
});

/** What everybody writes. */
export const sampleText = 'Salom! 06H-121-026 suv nasosi bormi, narxi qancha? Ertaga olib ketamiz.';
