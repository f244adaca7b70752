// Long work shows how far it is, until it is over.
import { renew, watch } from "./live.js";

const page = document.querySelector("[data-work]");
if (page.querySelector("[data-over=no]")) watch(page.dataset.work, page.dataset.seen, () => renew());
