// The front page goes on by itself while something is leaving.
import { renew, watch } from "./live.js";

const page = document.querySelector("[data-moves]");
if (page) watch("/today/moves", page.dataset.moves, () => renew());
