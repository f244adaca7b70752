// What was counted beside the page comes into it by itself.
import { renew, watch } from "./live.js";

const room = document.querySelector("[data-moves]");
if (room) watch(room.dataset.moves, room.dataset.seen, () => renew());
