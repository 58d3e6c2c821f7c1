// The figures of a spikesink report: each function turns its part of report.json into plotly
// traces. Words, tables and the order of the page are in page.js.
'use strict';

/* global Plotly, blockName, spanName, tokenName, number, headKey */
/* exported drawLifeCycle, drawSinkMap, drawLearnedMap, drawStatePicture, kCoursesDrawn */

const kCoursesDrawn = 6;

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

// -- life cycle

function topTraces(places, states) {
  const names = ['largest', '2nd largest', '3rd largest'];
  const count = Math.max(0, ...states.map((state) => state.top.length));
  return Array.from({length: count}, (_, rank) => {
    const hover = states.map((state, i) => {
      const peak = state.top[rank];
      if (!peak) return '';
      return `channel ${peak.channel}: ${number(peak.magnitude)}<br>${blockName(places[i])}` +
        `<br>sequence ${peak.sequence}, position ${peak.position}`;
    });
    return {
      name: names[rank] ?? `${rank + 1}th largest`,
      x: places.map((place) => place.block),
      y: states.map((state) => positive(state.top[rank]?.magnitude)),
      text: hover,
      hovertemplate: '%{text}<extra></extra>',
      mode: 'lines+markers',
      line: {color: colour(`rank-${Math.min(rank, 2) + 1}`), width: rank === 0 ? 1.5 : 1},
      marker: {
        size: rank === 0 ? 7 : 5,
        symbol: places.map((place) => (place.kind === 'attention' ? 'circle-open' : 'circle')),
      },
    };
  });
}

function medianTrace(places, states) {
  return {
    name: 'median',
    x: places.map((place) => place.block),
    y: states.map((state) => positive(state.median)),
    hovertemplate: 'median %{y:.4g}<extra></extra>',
    mode: 'lines',
    line: {color: colour('quiet'), width: 1.5, dash: 'dash'},
  };
}

function courseTraces(places, courses, field) {
  return courses.slice(0, kCoursesDrawn).map((course, i) => ({
    name: `channel ${course.channel}`,
    x: places.map((place) => place.block),
    y: course[field].map(positive),
    hoverinfo: 'skip',
    legendrank: 1500,
    mode: 'lines',
    opacity: 0.55,
    line: {color: colour(`course-${i + 1}`), width: 7},
  }));
}

function stepMarks(blocks, name, colourName, dash) {
  return blocks.map((block, i) => ({
    type: 'line',
    x0: block,
    x1: block,
    yref: 'paper',
    y0: 0,
    y1: 1,
    layer: 'below',
    line: {color: colour(colourName), width: 1.5, dash},
    name,
    showlegend: i === 0,
    legendrank: 2000,
  }));
}

// One range for both panels, in powers of ten: from the smallest median to the largest magnitude.
function logRange(life) {
  const ofBlocks = life.blocks.flatMap((block) => [block.hidden_state, block.output]);
  const values = [life.embedding, ...ofBlocks]
    .flatMap((state) => [state.median, state.top[0]?.magnitude])
    .filter((value) => value > 0);
  if (values.length === 0) return undefined;
  return [Math.log10(Math.min(...values)) - 0.2, Math.log10(Math.max(...values)) + 0.2];
}

// `field` is "hidden_state" or "output".
function drawLifeCycle(container, life, field) {
  const hidden = field === 'hidden_state';
  const start = hidden ? [{block: 0, kind: 'embedding'}] : [];
  const places = [...start, ...life.blocks];
  const states = [...(hidden ? [life.embedding] : []), ...life.blocks.map((block) => block[field])];
  const traces = [
    ...courseTraces(places, life.courses, field),
    ...topTraces(places, states),
    medianTrace(places, states),
  ];
  const shapes = [
    ...stepMarks(life.step_up, 'step-up block', 'step-up', 'dash'),
    ...stepMarks(life.step_down, 'step-down block', 'step-down', 'dashdot'),
  ];
  return draw(container, 460, traces, {
    shapes,
    xaxis: axis(hidden ? 'after block (0 = embedding)' : 'block', {
      range: [hidden ? -0.7 : 0.3, life.blocks.length + 0.7], ...whole(life.blocks.length),
    }),
    yaxis: axis(hidden ? 'magnitude in the hidden state' : 'magnitude in the block output', {
      type: 'log', dtick: 1, exponentformat: 'power', tickfont: {size: 11}, range: logRange(life),
    }),
    legend: {orientation: 'h', x: 0, y: -0.2, yanchor: 'top', font: {size: 12}},
  });
}

// -- sink map

// The border of the set of sink heads, as line segments along the edges of the heat map's cells.
function sinkBorder(sinkHeads) {
  const sinks = new Set(sinkHeads.map(headKey));
  const x = [];
  const y = [];
  for (const {layer, head} of sinkHeads) {
    const sides = [
      [layer - 1, head, [-0.5, -0.5], [-0.5, 0.5]],
      [layer + 1, head, [0.5, 0.5], [-0.5, 0.5]],
      [layer, head - 1, [-0.5, 0.5], [-0.5, -0.5]],
      [layer, head + 1, [-0.5, 0.5], [0.5, 0.5]],
    ];
    for (const [nextLayer, nextHead, dx, dy] of sides) {
      if (sinks.has(headKey({layer: nextLayer, head: nextHead}))) continue;
      x.push(layer + dx[0], layer + dx[1], null);
      y.push(head + dy[0], head + dy[1], null);
    }
  }
  return {x, y};
}

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

function shareTrace(sinkHeads, layers, rows) {
  const counts = Array(layers).fill(0);
  for (const head of sinkHeads) counts[head.layer] += 1;
  return {
    type: 'bar',
    x: counts.map((_, layer) => layer),
    y: counts.map((count) => (100 * count) / rows),
    text: counts.map((count, layer) => `layer ${layer}: ${count} of ${rows} heads`),
    textposition: 'none',
    hovertemplate: '%{text}<extra></extra>',
    yaxis: 'y2',
    marker: {color: colour('sink')},
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

function drawLearnedMap(container, learned) {
  const {layers, rows} = extent(learned);
  const map = heatmapTrace(learned, {
    value: (head) => head.mass,
    words: (head) => `its logit takes ${number(100 * head.mass)} %`,
    title: 'mass of the learned sink',
  });
  return draw(container, 110 + mapHeight(rows), [map], {
    xaxis: layerAxis(layers),
    yaxis: headAxis(rows),
  });
}

function drawSinkMap(container, report) {
  const {heads, sink_heads: sinkHeads, key, epsilon} = report;
  const {layers, rows} = extent(heads);
  const border = {
    ...sinkBorder(sinkHeads),
    mode: 'lines',
    hoverinfo: 'skip',
    line: {color: colour('sink'), width: 2},
  };
  const traces = [
    heatmapTrace(heads, {
      value: (head) => head.importance,
      words: (head) => `importance ${number(head.importance)}<br>above ε in ` +
        `${number(100 * head.share_of_sequences)} % of sequences`,
      title: `importance of key ${key}`,
      marks: [{at: epsilon, text: `ε = ${epsilon}`}],
    }),
    border,
    shareTrace(sinkHeads, layers, rows),
  ];
  return draw(container, 250 + mapHeight(rows), traces, {
    showlegend: false,
    bargap: 0.25,
    xaxis: layerAxis(layers),
    yaxis: headAxis(rows, {domain: [0, 0.76]}),
    yaxis2: axis('sinks, %', {range: [0, 104], domain: [0.82, 1], dtick: 50}),
  });
}

// -- three-dimensional picture

function everyCell(picture, make) {
  return picture.magnitudes.map((row, r) => row.map((value, c) => make(value, r, c)));
}

// Twice every row and column: the surface gets flat tops and upright walls, bars without gaps.
function stepped(rows) {
  return rows.flatMap((row) => {
    const wide = row.flatMap((value) => [value, value]);
    return [wide, wide];
  });
}

// The largest cells for labels, far enough from each other.
function peaks(picture, most) {
  const cells = everyCell(picture, (value, r, c) => ({value: value ?? 0, r, c})).flat();
  const apart = picture.channels.length / 4;
  const found = [];
  for (const cell of cells.sort((a, b) => b.value - a.value)) {
    if (found.length === most || !(cell.value > 0.02 * cells[0].value)) break;
    if (found.every((other) => Math.abs(other.c - cell.c) > apart)) found.push(cell);
  }
  return found;
}

function peakLabels(picture, most, log, size) {
  return peaks(picture, most).map(({value, r, c}) => {
    const [first, last] = picture.channels[c];
    const token = picture.tokens[r];
    return {
      x: (first + last) / 2,
      y: token.position,
      z: log ? Math.log10(value) : value,
      text: `${spanName([first, last])}<br>${plain(tokenName(token))}`,
      font: {size, color: colour('ink')},
      bgcolor: colour('paper'),
      opacity: 0.9,
      arrowcolor: colour('quiet'),
      arrowwidth: 1,
      ax: 0,
      ay: -34,
    };
  });
}

// Values below `floor` are raised to it: a logarithmic axis need not reach down to zero. Values that
// were not finite leave holes.
function stateTrace(picture, floor, spikes) {
  const shown = (value) => (value === null ? null : Math.max(value, floor));
  const shade = (value) => (value === null ? null : Math.log10(shown(value)));
  const text = everyCell(picture, (value, r, c) => {
    const token = picture.tokens[r];
    return `${spanName(picture.channels[c], spikes)}: ${number(value)}<br>` +
      `position ${token.position}, token ${plain(tokenName(token))}`;
  });
  const half = 0.499;  // almost: walls may not stand on one another
  return {
    type: 'surface',
    x: picture.channels.flatMap(([first, last]) => [first - half, last + half]),
    y: picture.tokens.flatMap((token) => [token.position - half, token.position + half]),
    z: stepped(everyCell(picture, shown)),
    surfacecolor: stepped(everyCell(picture, shade)),
    text: stepped(text),
    hoverinfo: 'text',
    colorscale: [0, 1, 2, 3].map((step) => [step / 3, colour(`height-${step}`)]),
    showscale: false,
    contours: {x: {highlight: false}, y: {highlight: false}, z: {highlight: false}},
    lighting: {ambient: 0.85, diffuse: 0.35, specular: 0.02, fresnel: 0},
  };
}

// Round values up to the largest, without zero, which would touch the ticks of the other axes.
function roundTicks(largest, most) {
  const power = 10 ** Math.floor(Math.log10(largest));
  const step = power * ([0.2, 0.5, 1].find((size) => largest / (size * power) <= most) ?? 2);
  return Array.from({length: Math.floor(largest / step)}, (_, i) => (i + 1) * step);
}

function drawStatePicture(container, picture, spikes, scale) {
  const values = picture.magnitudes.flat().filter((value) => value > 0).sort((a, b) => a - b);
  const floor = values[Math.floor(values.length / 20)] ?? 1e-3;
  const largest = values[values.length - 1] ?? 1;
  const log = scale === 'log';
  // A narrow figure must be seen from afar, and has room for little text.
  const narrow = container.clientWidth < 600;
  const height = Math.min(640, Math.max(400, container.clientWidth));
  const far = Math.min(1.7, Math.max(1.05, (1.8 * height) / container.clientWidth));
  const upwards = log ? {
    type: 'log',
    dtick: 1,
    exponentformat: 'power',
    range: [Math.log10(floor), Math.log10(largest) + 0.3],
  } : {
    type: 'linear',
    tickvals: roundTicks(largest, narrow ? 3 : 6),
    tickformat: ',~g',
    range: [0, largest * 1.12],
  };
  const scene = (text, more) => axis(text, {
    title: {text, font: {size: narrow ? 11 : 15}},
    tickfont: {size: narrow ? 9 : 12},
    nticks: narrow ? 4 : 8,
    backgroundcolor: colour('panel'),
    showbackground: true,
    showspikes: false,
    ...more,
  });
  return draw(container, height, [stateTrace(picture, floor, spikes)], {
    margin: {l: 0, r: 0, t: 0, b: 0},
    scene: {
      xaxis: scene('channel', whole(picture.channels.length)),
      yaxis: scene('position', {autorange: 'reversed', ...whole(picture.tokens.length)}),
      zaxis: scene(narrow ? '' : 'magnitude', upwards),
      aspectmode: 'manual',
      aspectratio: {x: 1.7, y: 1.1, z: 0.8},
      camera: {
        eye: {x: -1.2 * far, y: -1.65 * far, z: 0.95 * far},
        center: {x: 0, y: 0, z: -0.22},
      },
      annotations: peakLabels(picture, narrow ? 1 : 3, log, narrow ? 10 : 12),
    },
  }, kSolidButtons);
}
