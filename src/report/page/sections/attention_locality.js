// Locality of attention: how near the keys are that sink heads and other heads attend to besides
// their sinks.

import {choice, element, figure, paragraph, table} from '../elements.js';
import {agree, listed, number, plural} from '../format.js';
import {axis, curve, drawPlane, whole} from '../plot.js';
import {registerSection} from '../registry.js';

const kLeastArea = 2 / 3;  // from which sink heads count as nearer; 0.5 is chance

function positionNames(positions) {
  const names = positions.map((position) => (position < 0 ? 'last' : position));
  return `${agree(names.length, 'position', 'positions')} ${listed(names)}`;
}

// The two sets of keys: the field of each, and its name.
function keySets({options}) {
  return {
    without_common_sinks: `sinks and ${positionNames(options.common_sinks)}`,
    without_sinks: 'sinks',
  };
}

// -- sentences

// How often a sink head is nearer than another head of the same layer.
function areaWithinLayers(layers, keySet) {
  const compared = layers.map((layer) => layer[keySet]).filter(({area}) => area !== null);
  const pairs = compared.map(({sink_heads: sinks, other_heads: others}) =>
    sinks.heads * others.heads);
  const all = pairs.reduce((sum, count) => sum + count, 0);
  return all === 0 ? null :
    compared.reduce((sum, {area}, i) => sum + area * pairs[i], 0) / all;
}

function describeVerdict({sink_heads: sinks, other_heads: others, area}, withinLayers) {
  if (area === null) {
    return `The claim that sinks bias heads toward short-range dependencies cannot be tested: ` +
      `${plural(sinks.heads, 'sink head')} and ${plural(others.heads, 'other head')} attend to ` +
      'other keys.';
  }
  const verdict = area >= kLeastArea ? 'holds' : 'does not hold';
  const inLayer = withinLayers === null ? '' : `of its layer: ${number(withinLayers, 2)}; `;
  return `The claim that sinks bias heads toward short-range dependencies ${verdict} on this ` +
    `text: a sink head attends to nearer keys than another head with a probability of ` +
    `${number(area, 2)} (${inLayer}chance: 0.5).`;
}

function describeGroup(group, name) {
  return `${name} ${number(group.mean_distance, 3)} tokens (evenly spread attention: ` +
    `${number(group.even_mean_distance, 3)})`;
}

function describeDistances({sink_heads: sinks, other_heads: others}) {
  const groups = [[sinks, 'sink heads'], [others, 'other heads']].filter(([{heads}]) => heads > 0);
  return groups.length === 0 ? '' : `Mean distance from query to key, over heads: ` +
    `${listed(groups.map(([group, name]) => describeGroup(group, name)))}.`;
}

function describeLocality(section) {
  const {without_common_sinks: fair, without_sinks: own} = section.all;
  const names = keySets(section);
  const within = areaWithinLayers(section.layers, 'without_common_sinks');
  const without = own.area === null ? '' : `With only a head’s own sinks left out the ` +
    `probability is ${number(own.area, 2)}.`;
  return `${describeVerdict(fair, within)} Left out are each head’s ` +
    `${names.without_common_sinks}. ${describeDistances(fair)} ${without}`;
}

// -- nodes

const kCurves = {
  sink_heads: {name: 'sink heads', hue: 'sink', symbol: 'diamond'},
  other_heads: {name: 'other heads', hue: 'ordinary', symbol: 'square'},
  even: {name: 'even attention', hue: 'quiet', symbol: 'circle', dash: 'dot'},
};

// The heads of a layer that evenly spread attention, all of them together.
function evenHeads({sink_heads: sinks, other_heads: others}) {
  const heads = sinks.heads + others.heads;
  const sum = [sinks, others].filter((group) => group.heads > 0)
    .reduce((total, group) => total + group.heads * group.even_mean_distance, 0);
  return {heads, mean_distance: heads > 0 ? sum / heads : null};
}

function layerCurve(layers, kind) {
  const {name, ...look} = kCurves[kind];
  const points = layers.map(({layer: x, groups}) => {
    const {heads, mean_distance: y} = kind === 'even' ? evenHeads(groups) : groups[kind];
    return {x, y, text: `layer ${x}: ${plural(heads, 'head')}<br>${name}: ${number(y)} tokens`};
  });
  return curve(name, points, look);
}

function drawLocality(container, layers) {
  return drawPlane(container, 340, Object.keys(kCurves).map((kind) => layerCurve(layers, kind)), {
    showlegend: true,
    xaxis: axis('layer', whole(layers.at(-1).layer + 1)),
    yaxis: axis('mean distance, tokens', {rangemode: 'tozero'}),
  });
}

function localityFigure(section) {
  const names = keySets(section);
  let shown = 'without_common_sinks';
  const courses = figure('attention-locality', 'Mean distance of attended keys by layer',
    (container) => drawLocality(container, section.layers.map((entry) =>
      ({layer: entry.layer, groups: entry[shown]}))));
  const buttons = choice('Without its', Object.values(names), (chosen) => {
    shown = Object.keys(names).find((keySet) => names[keySet] === chosen);
    courses.draw(courses);
  });
  return [buttons, courses];
}

function localityTable(section) {
  const rows = Object.entries(keySets(section)).flatMap(([keySet, without]) =>
    [['sink_heads', 'sink heads'], ['other_heads', 'other heads']].map(([group, name]) =>
      ({...section.all[keySet][group], name, without})));
  const windows = section.options.windows.map((window, i) => ({
    title: `Within ${window}, %`,
    value: (row) => 100 * row.within[i],
    text: (row) => (row.within[i] === null ? number(null) :
      `${number(100 * row.within[i], 3)} (${number(100 * row.even_within[i], 3)})`),
  }));
  const words = (field) => ({left: true, value: (row) => row[field], text: (row) => row[field]});
  return table([
    {title: 'Heads', ...words('name')},
    {title: 'Without their', ...words('without')},
    {title: 'Number', value: (row) => row.heads},
    {title: 'Attention to these keys, %',
      value: (row) => (row.attention === null ? null : 100 * row.attention)},
    {title: 'Mean distance', value: (row) => row.mean_distance,
      text: (row) => `${number(row.mean_distance)} (${number(row.even_mean_distance)})`},
    ...windows,
  ], rows);
}

function localityNodes(section) {
  const title = element('h3', {textContent: 'Reach of attention besides sinks'});
  if (section.layers.length === 0) {
    return [title, paragraph(`No sequence has ${section.options.least_queries} tokens, so no ` +
      'key can be a sink.')];
  }
  return [
    title,
    paragraph(describeLocality(section)),
    ...localityFigure(section),
    localityTable(section),
    paragraph('Distance: tokens from the query to the key; within w: the share of this attention ' +
      'at a distance below w. Means over heads. In brackets and dotted: attention that is spread ' +
      'evenly over the same keys. A head just below ε still attends to a common sink from far ' +
      'away; therefore the first comparison leaves it out everywhere.', 'quiet'),
  ];
}

registerSection({
  key: 'attention_locality',
  order: 93,
  chapterOf: 'attention_sinks',
  nodes: localityNodes,
  definitionName: 'Attention locality',
});
