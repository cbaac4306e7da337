// An address for others: to the clipboard, or shown where that is not allowed.
import { gettext } from "@geo/i18n.js";
import { toast } from "@geo/toast.js";

export async function copyLink(path) {
  const link = new URL(path, location.href).href;
  try {
    await navigator.clipboard.writeText(link);
    toast(gettext("The link is copied."));
  } catch {
    toast(link, { seconds: 15 });
  }
}
