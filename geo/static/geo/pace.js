// Answers to events that come in bursts: the first at once, the rest gathered.

/**
 * paced(act, 1500) calls `act` 60 ms after the first call, then at most once per `ms`; a last call is never lost.
 * @returns {() => void}
 */
export function paced(act, ms) {
  let last = -Infinity;
  let timer = null;
  return () => {
    if (timer) return;
    const wait = Math.max(60, last + ms - performance.now());
    timer = setTimeout(() => {
      timer = null;
      last = performance.now();
      act();
    }, wait);
  };
}
