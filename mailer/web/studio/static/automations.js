// Numbers come into the page by themselves.
import { renew, watch } from "./live.js";

const room = document.querySelector("[data-moves]");
if (room) watch(room.dataset.moves, room.dataset.seen, () => renew());
