export type Closers = (() => unknown)[];

/** What is opened one after the other is closed in reverse, also when one of them could not be opened. */
export async function openAll<T>(open: (closers: Closers) => Promise<T>): Promise<T & { close(): Promise<void> }> {
  const closers: Closers = [];
  const close = async () => {
    while (closers.length > 0) await closers.pop()!();
  };
  try {
    return { ...(await open(closers)), close };
  } catch (error) {
    await close();
    throw error;
  }
}
