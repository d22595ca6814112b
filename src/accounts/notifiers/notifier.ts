/** What a driver is asked to bring to a phone. */
export interface CodeMessage {
  phone: string;
  code: string;
  otpId: string;
  ttlSec: number;
  channel: 'auto' | 'sms' | 'telegram';
}

/** Brings codes to phones; rejects when the provider did not take the message. */
export interface Notifier {
  name: string;
  send(message: CodeMessage): Promise<{ providerId: string }>;
  /** Tells an old number that it is no longer the account's. */
  tell?(phone: string): Promise<void>;
}
