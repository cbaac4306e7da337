// A short recording instead of typing.
import { newKey } from "./store.js";

export const LONGEST_S = 60;
const FORMATS = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];

export const canRecord = () => Boolean(navigator.mediaDevices?.getUserMedia && globalThis.MediaRecorder);

/** Start recording; resolves to {stop()} whose `done` gives an outbox file. Rejects when the microphone is refused. */
export async function record() {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const type = FORMATS.find((one) => MediaRecorder.isTypeSupported(one)) || "";
  const recorder = new MediaRecorder(stream, type ? { mimeType: type, audioBitsPerSecond: 24000 } : {});
  const parts = [];
  const begun = Date.now();
  recorder.addEventListener("dataavailable", (event) => event.data.size && parts.push(event.data));
  const done = new Promise((resolve) => {
    recorder.addEventListener("stop", async () => {
      stream.getTracks().forEach((track) => track.stop());
      const plain = (recorder.mimeType || "audio/webm").split(";")[0];
      const bytes = await new Blob(parts, { type: plain }).arrayBuffer();
      resolve({
        key: newKey(),
        kind: "voice",
        bytes,
        type: plain,
        name: `voice.${plain.split("/")[1]}`,
        size: bytes.byteLength,
        seconds: Math.max(1, Math.round((Date.now() - begun) / 1000)),
        takenAt: new Date(begun).toISOString(),
        lon: null,
        lat: null,
        preview: null,
      });
    });
  });
  recorder.start(1000);
  const timer = setTimeout(() => recorder.state !== "inactive" && recorder.stop(), LONGEST_S * 1000);
  const stop = () => {
    clearTimeout(timer);
    if (recorder.state !== "inactive") recorder.stop();
  };
  return { stop, done };
}
