// The tool in hand: which one, and what pointer, fingers and keys do with it.
//
// A tool is {id, key, drags, start, stop, down, drag, up, click, move, enter, arrow, back, cancel, options}; all but id are
// optional. Places are [lon, lat]. One finger draws, two fingers move the map; with a mouse the space bar or the
// middle button does. With the map in focus Enter acts at the cross in its middle.
import PointerInteraction from "ol/interaction/Pointer.js";
import { typing } from "@geo/dom.js";

class Fingers extends PointerInteraction {
  constructor(hand) {
    super({ stopDown: (handled) => handled });
    this.hand = hand;
  }

  handleEvent(event) {
    const { tool } = this.hand;
    if (!tool) return true;
    if (event.type === "dblclick") {
      tool.finish?.();
      return false;
    }
    if (event.type === "click") {
      // Clicks are given at once; a capturing tool has its own in down and up.
      if (!tool.drags || tool.clicks) tool.click?.(this.hand.at(event), event);
      return super.handleEvent(event);
    }
    return super.handleEvent(event);
  }

  handleDownEvent(event) {
    const { tool } = this.hand;
    const { originalEvent } = event;
    this.dropped = false;
    if (!tool?.drags || this.hand.space || originalEvent.button > 0 || this.targetPointers.length > 1) return false;
    return tool.down?.(this.hand.at(event), event) !== false;
  }

  handleDragEvent(event) {
    if (this.dropped) return;
    if (this.targetPointers.length > 1) {
      // A second finger: it was the map that should move.
      this.dropped = true;
      this.hand.tool?.cancel?.();
      return;
    }
    this.hand.tool?.drag?.(this.hand.at(event), event);
  }

  handleUpEvent(event) {
    if (!this.dropped && this.targetPointers.length === 0) this.hand.tool?.up?.(this.hand.at(event), event);
    else if (this.targetPointers.length === 0) this.hand.tool?.cancel?.();
    return this.targetPointers.length > 0;
  }

  handleMoveEvent(event) {
    this.hand.tool?.move?.(this.hand.at(event), event);
  }
}

const ARROWS = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

export class Hand extends EventTarget {
  constructor(stage) {
    super();
    this.stage = stage;
    this.tools = new Map();
    this.tool = null;
    this.space = false;
    const { ol, element } = stage.map;
    ol.addInteraction(new Fingers(this));
    ol.on("click", (event) => {
      if (!this.tool) this.dispatchEvent(new CustomEvent("look", { detail: this.at(event) }));
    });
    element.addEventListener("keydown", (event) => this.#key(event), { capture: true });
    document.addEventListener("keydown", (event) => {
      if (event.key === " " && !typing(event.target) && event.target === document.body) this.space = true;
    });
    document.addEventListener("keyup", (event) => { if (event.key === " ") this.space = false; });
    window.addEventListener("blur", () => { this.space = false; });
  }

  add(tool) {
    this.tools.set(tool.id, tool);
  }

  at(event) {
    return this.stage.place(event.coordinate);
  }

  /** Takes a tool, or lays it down (null, or the one in hand again). */
  take(id) {
    const next = id === this.tool?.id ? null : this.tools.get(id) ?? null;
    this.tool?.cancel?.();
    this.tool?.stop?.();
    this.tool = next;
    this.stage.map.sketch.clear();
    this.stage.map.element.classList.toggle("drawing", Boolean(next));
    next?.start?.();
    this.refresh();
    if (next) this.dispatchEvent(new Event("taken"));
  }

  /** The bar above the map says something else now. */
  refresh() {
    this.dispatchEvent(new Event("change"));
  }

  /** Escape: first what is begun, then the tool. */
  escape() {
    if (!this.tool) return false;
    if (this.tool.busy) {
      this.tool.cancel?.();
      this.refresh();
    } else this.take(null);
    return true;
  }

  #key(event) {
    if (event.target !== this.stage.map.element || event.ctrlKey || event.metaKey || event.altKey) return;
    const { tool } = this;
    const done = () => {
      event.preventDefault();
      event.stopPropagation();
    };
    if (event.key === "Enter") {
      done();
      const middle = this.stage.map.center();
      if (!tool) this.dispatchEvent(new CustomEvent("look", { detail: middle }));
      else if (event.shiftKey && tool.finish) tool.finish();
      else (tool.enter ?? tool.click)?.call(tool, middle, null);
    } else if (event.key === "Escape" && tool) {
      done();
      this.escape();
    } else if (event.key === "Backspace" && tool?.back) {
      done();
      tool.back();
    } else if (ARROWS[event.key] && tool?.arrow && !event.shiftKey) {
      done();
      tool.arrow(ARROWS[event.key]);
    } else if (event.key === " " && tool?.toggle) {
      done();
      tool.toggle();
    } else if (event.key === "c") {
      // The map would copy its coordinates; here the key is a tool's.
      done();
      this.dispatchEvent(new CustomEvent("key", { detail: "c" }));
    }
  }
}
