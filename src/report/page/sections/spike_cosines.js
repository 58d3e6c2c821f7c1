// Spike cosines: how alike spike tokens are before the block that makes the spike, and after it.

import {choice, element, figure, panels, paragraph, table} from '../elements.js';
import {blockName, number, plural, tokenName} from '../format.js';
import {kKinds, plain} from '../plot.js';
import {registerSection} from '../registry.js';
import {finite} from '../statistics.js';
import {drawCosineMap} from '../figures/cosine_map.js';

const kOneVector = 0.95;  // cosine from which vectors count as one
const kPoints = {
  before: 'Before the block', after: 'After the block', normalized: 'After the next norm',
};

// The points that were measured, with their headings.
function pointsOf({spike}) {
  return Object.entries(kPoints).filter(([point]) => spike[point].matrix.length > 0);
}

// -- sentences

function normName({norm, block}) {
  const later = norm.after_block > block ? `, which reads the stream after block ` +
    `${norm.after_block}` : '';
  return `${norm.name}${later}`;
}

// 1 only for an exact value.
function cosineText(value) {
  return value < 1 && value > 0.9995 ? '>\u00a00.999' : number(value, 3);
}

function range({percentile_5: low, percentile_95: high}) {
  const texts = [low, high].map(cosineText);
  return `5 % to 95 %: ${texts[0] === texts[1] ? texts[0] : texts.join(' to ')}`;
}

function isOneVector(cosines) {
  return cosines.percentile_5 >= kOneVector;
}

function verdict({before, after, normalized}) {
  if (!isOneVector(normalized.matrix.length > 0 ? normalized : after))
    return 'do not become one vector';
  return isOneVector(before) ? 'are nearly one vector already before it' :
    'become nearly one vector';
}

function describeCosines(section) {
  const {spike, ordinary, norm} = section;
  const place = `${blockName(section)}, which creates the largest spike`;
  if (!Number.isFinite(spike.after.median))
    return `Too few spike tokens pass through ${place}, to be compared with each other.`;
  const median = (point, kind = spike) => cosineText(kind[point].median);
  const normed = norm && Number.isFinite(spike.normalized.median) ?
    ` and ${median('normalized')} after the next norm (${normName(section)})` : '';
  const control = Number.isFinite(ordinary.after.median) ? ' Of ' +
    `${plural(ordinary.tokens.length, 'ordinary token')} it is ` +
    `${median('before', ordinary)} before and ${median('after', ordinary)} after.` : '';
  return `In ${place}, ${plural(spike.tokens.length, 'spike token')} ${verdict(spike)}: their ` +
    `median pairwise cosine is ${median('before')} before the block (${range(spike.before)}), ` +
    `${median('after')} after it (${range(spike.after)})${normed}.${control}`;
}

// -- nodes

function kindsOf(section) {
  return ['spike', 'ordinary'].filter((kind) => section[kind].tokens.length > 1);
}

function mapNodes(section) {
  const points = pointsOf(section);
  const kinds = kindsOf(section);
  const cosines = kinds.flatMap((kind) => points.map(([point]) => section[kind][point].minimum));
  const least = finite(cosines).reduce((a, b) => Math.min(a, b), 0);
  let shown = kinds[0];
  const names = () => section[shown].tokens.map((token) =>
    `${plain(tokenName(token))} (sequence ${token.sequence}, position ${token.position})`);
  const ticks = {showticklabels: false, ticks: ''};
  const figures = points.map(([point, heading]) => figure(`spike-cosines-${point}`,
    `Cosines of every two tokens: ${heading}`,
    (container) => drawCosineMap(container, section[shown][point].matrix, {
      height: 340, title: 'cosine', names: names(), least, xaxis: ticks, yaxis: ticks,
    })));
  const buttons = choice('Tokens', kinds.map((kind) => kKinds[kind].name), (name) => {
    shown = kinds.find((kind) => kKinds[kind].name === name);
    for (const node of figures) node.draw(node);
  });
  const maps = panels(...points.map(([, heading], i) => [heading, figures[i]]));
  maps.classList.add('thirds');
  return [...(kinds.length > 1 ? [buttons] : []), maps];
}

function quantileTable(section) {
  const rows = kindsOf(section).flatMap((kind) => pointsOf(section).map(([point, heading]) =>
    ({kind: kKinds[kind].name, heading, ...section[kind][point]})));
  return table([
    {title: 'Tokens', left: true, value: (row) => row.kind, text: (row) => row.kind},
    {title: 'Point', left: true, value: (row) => row.heading, text: (row) => row.heading},
    {title: 'Minimum', value: (row) => row.minimum},
    {title: '5 %', value: (row) => row.percentile_5},
    {title: 'Median', value: (row) => row.median},
    {title: '95 %', value: (row) => row.percentile_95},
    {title: 'Maximum', value: (row) => row.maximum},
  ], rows);
}

function cosineNodes(section, {model}) {
  const heading = element('h3', {textContent: 'Cosine of every two spike tokens'});
  const sentence = paragraph(describeCosines(section));
  if (section.spike.tokens.length < 2) return [heading, sentence];
  const rms = model?.norm === 'rms' && section.norm ? ' An RMSNorm without its learned scale ' +
    'keeps directions, so it does not change a cosine.' : '';
  return [
    heading,
    sentence,
    ...mapNodes(section),
    quantileTable(section),
    paragraph('Each cell is the cosine of two tokens of a sample, in text order (figure 5 of ' +
      `arXiv 2603.05498). The table shows quantiles over all pairs.${rms}`, 'quiet'),
  ];
}

registerSection({
  key: 'spike_cosines',
  order: 71,
  chapterOf: 'sparse_constants',
  nodes: cosineNodes,
  definitionName: 'Spike cosines',
});
