// The blocks of a draft as a noded coverage: which edges lie between which blocks, and the borders they make.
//
// Vertices lie on a lattice of 1e-8 degrees and neighbours share them exactly, so an edge has one block on each
// side, and the border of a grid is made of the edges that have the grid on one side only.
const LATTICE = 1e8;
const WIDE = 2 ** 26; // node numbers stay below, so that two of them fit into one exact number

export class Topology {
  constructor() {
    this.numbers = new Map(); // "x,y" -> node
    this.points = []; // node -> [lon, lat]
    this.rings = new Map(); // block id -> rings of nodes, closed, interior at the left
    this.edges = new Map(); // edge -> [block, block or undefined]
  }

  #node(point) {
    const key = `${Math.round(point[0] * LATTICE)},${Math.round(point[1] * LATTICE)}`;
    let node = this.numbers.get(key);
    if (node === undefined) {
      node = this.points.length;
      this.numbers.set(key, node);
      this.points.push([point[0], point[1]]);
    }
    return node;
  }

  static key(a, b) {
    return a < b ? a * WIDE + b : b * WIDE + a;
  }

  static ends(edge) {
    return [Math.floor(edge / WIDE), edge % WIDE];
  }

  add(id, polygon) {
    const rings = polygon.map((ring, index) => {
      const nodes = ring.map((point) => this.#node(point));
      const left = signedArea(ring) > 0;
      return left === (index === 0) ? nodes : nodes.reverse();
    });
    this.rings.set(id, rings);
    this.#each(id, (edge) => {
      const sides = this.edges.get(edge);
      if (!sides) this.edges.set(edge, [id]);
      else sides.push(id);
    });
  }

  remove(id) {
    this.#each(id, (edge) => {
      const sides = this.edges.get(edge);
      const at = sides?.indexOf(id) ?? -1;
      if (at < 0) return;
      sides.splice(at, 1);
      if (!sides.length) this.edges.delete(edge);
    });
    this.rings.delete(id);
  }

  #each(id, act) {
    for (const ring of this.rings.get(id) ?? []) {
      for (let i = 1; i < ring.length; i++) if (ring[i] !== ring[i - 1]) act(Topology.key(ring[i - 1], ring[i]), ring[i - 1], ring[i]);
    }
  }

  /** The blocks that share an edge with this one: block id -> edges. */
  neighbours(id) {
    const found = new Map();
    this.#each(id, (edge) => {
      for (const other of this.edges.get(edge) ?? []) {
        if (other === id) continue;
        if (!found.has(other)) found.set(other, []);
        found.get(other).push(edge);
      }
    });
    return found;
  }

  /** MultiPolygon coordinates of the union of some blocks of a coverage. */
  union(ids) {
    const inside = ids instanceof Set ? ids : new Set(ids);
    const out = new Map(); // node -> nodes that directed border edges lead to
    for (const id of inside) {
      this.#each(id, (edge, from, to) => {
        const sides = this.edges.get(edge);
        if (sides.length > 1 && sides.every((side) => inside.has(side))) return;
        if (out.has(from)) out.get(from).push(to);
        else out.set(from, [to]);
      });
    }
    const rings = [];
    for (const [start, targets] of out) {
      while (targets.length) {
        const ring = [start];
        let from = start;
        let at = targets.pop();
        while (at !== start) {
          ring.push(at);
          const ways = out.get(at);
          if (!ways?.length) break; // not closed: the coverage has a fault here
          const next = ways.length === 1 ? 0 : this.#sharpest(from, at, ways);
          from = at;
          at = ways.splice(next, 1)[0];
        }
        ring.push(start);
        rings.push(ring.map((node) => this.points[node]));
      }
    }
    return polygons(rings);
  }

  /** Of several ways on, the one that keeps round the same ground: the first clockwise from where we came. */
  #sharpest(from, at, ways) {
    const [x, y] = this.points[at];
    const angle = (node) => Math.atan2(this.points[node][1] - y, this.points[node][0] - x);
    const back = angle(from);
    let best = 0;
    let least = Infinity;
    ways.forEach((way, index) => {
      let turn = back - angle(way);
      while (turn <= 1e-12) turn += 2 * Math.PI;
      if (turn < least) {
        least = turn;
        best = index;
      }
    });
    return best;
  }

  /**
   * Edges between different grids: [{edge, ends: [node, node], grids: [number, number | null]}].
   * `gridOf(block)` gives a block's grid; `fixed` are those that nobody may move: the outline of a community.
   */
  borders(gridOf, communityOf) {
    const found = [];
    for (const [edge, sides] of this.edges) {
      const [a, b] = sides;
      const outer = b === undefined;
      if (!outer && gridOf(a) === gridOf(b)) continue;
      found.push({
        edge, ends: Topology.ends(edge), grids: [gridOf(a), outer ? null : gridOf(b)],
        fixed: outer || communityOf(a) !== communityOf(b),
      });
    }
    return found;
  }

  /** Nodes that share an edge with a node. Slow: for one node in hand. */
  around(node) {
    const found = new Set();
    for (const edge of this.edges.keys()) {
      const [a, b] = Topology.ends(edge);
      if (a === node) found.add(b);
      else if (b === node) found.add(a);
    }
    return [...found];
  }
}

function signedArea(ring) {
  let sum = 0;
  const [x0, y0] = ring[0];
  for (let i = 1; i < ring.length; i++) {
    sum += (ring[i - 1][0] - x0) * (ring[i][1] - y0) - (ring[i][0] - x0) * (ring[i - 1][1] - y0);
  }
  return sum / 2;
}

function contains(ring, [x, y]) {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [xi, yi] = ring[i];
    const [xj, yj] = ring[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

/** Rings with the interior at the left, put together: each hole goes to the smallest ring around it. */
function polygons(rings) {
  const outer = [];
  const holes = [];
  for (const ring of rings) {
    const area = signedArea(ring);
    if (area > 0) outer.push({ rings: [ring], area });
    else if (area < 0) holes.push(ring);
  }
  outer.sort((a, b) => a.area - b.area);
  for (const hole of holes) {
    const middle = [(hole[0][0] + hole[1][0]) / 2, (hole[0][1] + hole[1][1]) / 2];
    (outer.find((one) => contains(one.rings[0], middle)) ?? outer.at(-1))?.rings.push(hole);
  }
  return outer.map((one) => one.rings);
}

/** Whether a point lies in MultiPolygon coordinates. */
export const inShape = (shape, point) =>
  shape.some((rings) => contains(rings[0], point) && !rings.slice(1).some((hole) => contains(hole, point)));

/** A place inside a polygon: the middle of its widest stretch at half its height. */
export function interior(polygon) {
  const ys = polygon[0].map((point) => point[1]);
  const low = Math.min(...ys);
  const high = Math.max(...ys);
  for (const share of [0.5, 0.37, 0.63, 0.21, 0.79]) {
    const y = low + (high - low) * share;
    const crossings = [];
    for (const ring of polygon) {
      for (let i = 1; i < ring.length; i++) {
        const [[x1, y1], [x2, y2]] = [ring[i - 1], ring[i]];
        if (y1 > y !== y2 > y) crossings.push(x1 + ((y - y1) / (y2 - y1)) * (x2 - x1));
      }
    }
    crossings.sort((a, b) => a - b);
    let best = null;
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const wide = crossings[i + 1] - crossings[i];
      if (!best || wide > best.wide) best = { wide, x: (crossings[i] + crossings[i + 1]) / 2 };
    }
    if (best?.wide > 0) return [best.x, y];
  }
  return polygon[0][0];
}

export function boxOf(coordinates) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  const walk = (part) => {
    if (typeof part[0] === "number") {
      box[0] = Math.min(box[0], part[0]);
      box[1] = Math.min(box[1], part[1]);
      box[2] = Math.max(box[2], part[0]);
      box[3] = Math.max(box[3], part[1]);
    } else for (const one of part) walk(one);
  };
  walk(coordinates);
  return box;
}
