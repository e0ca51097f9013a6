/* The map in a settlement's sheet, whether the sheet came with the page or was opened beside the list. */

import { showMap } from "./map.js";

function draw(root) {
  for (const element of root.querySelectorAll(".map-sheet:not(.leaflet-container)")) showMap(element);
}
draw(document);
document.addEventListener("htmx:load", (event) => draw(event.detail.elt));
