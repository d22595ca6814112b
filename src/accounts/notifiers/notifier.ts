/** What a driver is asked to bring to a phone. */
export interface CodeMessage {
  phone: string;
  code: string;
  otpId: string;
  ttlSec: number;
  channel: 'auto' | 'sms' | 'telegram';
}

export interface Sent {
  driver: string;
  /** The message's id at the provider. */
  providerId: string;
  cost?: number | undefined;
}

/** A code that was the right one, and who had brought it. */
export type UsedCode = Pick<Sent, 'driver' | 'providerId'> & Pick<CodeMessage, 'code'>;

/** Brings codes to phones; rejects when nobody took the message. */
export interface Notifier {
  send(message: CodeMessage): Promise<Sent>;
  /** Tells an old number that it is no longer the account's; where a driver can. */
  tell(phone: string): Promise<void>;
  /** Tells the provider that its code was the right one, where it keeps count of that. Never rejects. */
  confirm(used: UsedCode): Promise<void>;
}

/** One provider. Rejects when it did not take the message; then the next one is tried. */
export interface Driver {
  name: string;
  channel: 'sms' | 'telegram' | 'any';
  send(message: CodeMessage): Promise<Omit<Sent, 'driver'>>;
  /** Any text; codes go by `send`. */
  sendText?(phone: string, text: string): Promise<void>;
  confirm?(used: Omit<UsedCode, 'driver'>): Promise<void>;
}
