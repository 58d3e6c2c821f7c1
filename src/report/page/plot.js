// What the figures of a spikesink report share: plotly's frame, axes, colours and maps of heads.
'use strict';

/* global Plotly, headKey */
/* exported kSolidButtons, plain, colour, axis, whole, positive, draw */
/* exported heatmapTrace, extent, layerAxis, headAxis, mapHeight */

// The buttons of a figure are named: the default ones include one that sends it to a server.
const kFlatButtons = ['toImage', 'zoom2d', 'pan2d', 'resetScale2d'];
const kSolidButtons = ['toImage', 'orbitRotation', 'pan3d', 'zoom3d', 'resetCameraDefault3d'];

// plotly reads a few HTML tags and entities in its labels; this keeps a token's text plain text.
function plain(text) {
  return String(text).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
}

function axis(title, more) {
  return {
    title: {text: title, standoff: 8},
    gridcolor: colour('rule'),
    linecolor: colour('rule'),
    zeroline: false,
    automargin: true,
    ...more,
  };
}

// Blocks, layers, channels and so on have no halves: plotly would mark some where they are few.
function whole(count) {
  return count <= 12 ? {dtick: 1} : {};
}

// On a logarithmic axis zero has no place.
function positive(value) {
  return value > 0 ? value : null;
}

function draw(container, height, traces, layout, buttons = kFlatButtons) {
  container.style.height = `${height}px`;  // plotly forgets layout.height when the window changes
  const base = {
    uirevision: true,  // zoom, camera and hidden traces outlive a redraw
    paper_bgcolor: 'rgba(0,0,0,0)',
    plot_bgcolor: 'rgba(0,0,0,0)',
    font: {family: getComputedStyle(document.body).fontFamily, size: 13, color: colour('ink')},
    hoverlabel: {
      align: 'left',
      bgcolor: colour('panel'),
      bordercolor: colour('quiet'),
      font: {color: colour('ink')},
    },
    margin: {l: 60, r: 16, t: 34, b: 48},
    modebar: {bgcolor: 'rgba(0,0,0,0)', color: colour('quiet'), activecolor: colour('ink')},
  };
  const config = {
    responsive: true,
    displaylogo: false,
    scrollZoom: false,
    modeBarButtons: [buttons],
    toImageButtonOptions: {filename: container.id, scale: 2},
  };
  return Plotly.react(container, traces, {...base, ...layout}, config);
}

// -- maps of layers and heads

// One cell a head: `value` and `words` say what is drawn and told of it; `marks` are further ticks.
function heatmapTrace(heads, {value, words, title, marks = []}) {
  const {layers, rows} = extent(heads);
  const empty = () => Array.from({length: rows}, () => Array(layers).fill(null));
  const z = empty();
  const text = empty();
  for (const head of heads) {
    z[head.head][head.layer] = value(head);
    text[head.head][head.layer] = `layer ${head.layer}, head ${head.head}<br>${words(head)}`;
  }
  const free = (tick) => marks.every((mark) => Math.abs(tick - mark.at) > 0.06);
  const ticks = [0, 0.25, 0.5, 0.75, 1].filter(free);
  return {
    type: 'heatmap',
    z,
    text,
    hovertemplate: '%{text}<extra></extra>',
    zmin: 0,
    zmax: 1,
    colorscale: [[0, colour('scale-0')], [0.5, colour('scale-1')], [1, colour('scale-2')]],
    xgap: layers > 50 ? 0 : 1,
    ygap: rows > 40 ? 0 : 1,
    colorbar: {
      title: {text: title, side: 'right'},
      len: 0.78,
      y: 0,
      yanchor: 'bottom',
      thickness: 14,
      outlinewidth: 0,
      tickvals: [...ticks, ...marks.map((mark) => mark.at)],
      ticktext: [...ticks, ...marks.map((mark) => mark.text)],
    },
  };
}

function extent(heads) {
  return {
    layers: 1 + Math.max(...heads.map((head) => head.layer)),
    rows: 1 + Math.max(...heads.map((head) => head.head)),
  };
}

function layerAxis(layers) {
  return axis('layer', {
    ...whole(layers),
    range: [-0.6, layers - 0.4],
    showgrid: false,
    ticks: 'outside',
    tickcolor: colour('rule'),
  });
}

function headAxis(rows, more) {
  return axis('head', {...whole(rows), range: [rows - 0.4, -0.6], showgrid: false, ...more});
}

function mapHeight(rows) {
  return Math.min(620, Math.max(160, 22 * rows));
}
