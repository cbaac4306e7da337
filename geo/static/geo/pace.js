// Answers to events that come in bursts: the first at once, the rest gathered.

/**
 * soonest(act)(ms) calls `act` after `ms`, once for all that asked until then; who asks later for a later time
 * does not put it off.
 * @returns {(ms: number) => void}
 */
export function soonest(act) {
  let due = Infinity;
  let timer = null;
  return (ms) => {
    const at = performance.now() + ms;
    if (at >= due) return;
    clearTimeout(timer);
    due = at;
    timer = setTimeout(() => {
      due = Infinity;
      act();
    }, ms);
  };
}

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
