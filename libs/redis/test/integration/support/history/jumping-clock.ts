/** The wall clock of this thread is wrong, and now and then wrong in another way. */
export function jumpingClock(random: () => number): void {
  const now = Date.now.bind(Date);
  let offset = 0;
  setInterval(() => {
    offset = Math.round((random() - 0.5) * 86_400_000);
  }, 50).unref();
  Date.now = () => now() + offset;
}
