/** Lays a map out beside the page's own thread. */

import { placeMap, type MapToPlace } from "./mapLayout";

self.onmessage = (event: MessageEvent<{ turn: number; map: MapToPlace }>) => {
  const { turn, map } = event.data;
  self.postMessage({ turn, placed: placeMap(map) });
};
