// Drawing anew only what has changed, so that nothing moves or vanishes under a thumb.

/** Replace the children of `place` by what `make()` gives, unless `key` is what it was last time. */
export function redraw(place, key, make) {
  const text = JSON.stringify(key);
  if (place.dataset.key === text) return;
  place.dataset.key = text;
  place.replaceChildren(...[make()].flat().filter((child) => child || child === 0));
}
