// The map of the cosines of every two of several vectors.

import {number} from '../format.js';
import {axis, colour, draw} from '../plot.js';

// `names` of the vectors are for the hover text; the colours begin at `least`.
export function drawCosineMap(container, cosines, {height, title, names, least = 0, ...axes}) {
  const text = cosines.map((row, r) => row.map((value, c) =>
    `${names[r]} and ${names[c]}<br>${title} ${number(value)}`));
  const map = {
    type: 'heatmap',
    z: cosines,
    text,
    hovertemplate: '%{text}<extra></extra>',
    zmin: least,
    zmax: 1,
    colorscale: [[0, colour('scale-0')], [0.5, colour('scale-1')], [1, colour('scale-2')]],
    colorbar: {title: {text: title, side: 'right'}, thickness: 14, outlinewidth: 0},
  };
  return draw(container, height, [map], {
    xaxis: axis('', {showgrid: false, ...axes.xaxis}),
    yaxis: axis('', {showgrid: false, autorange: 'reversed', ...axes.yaxis}),
  });
}
