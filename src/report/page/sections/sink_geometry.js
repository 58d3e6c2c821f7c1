// Sink geometry: how queries, sink keys and other keys lie, and whether that predicts the sinks.

import {choice, figure, panels, paragraph, table} from '../elements.js';
import {capital, headKey, number, ofAll, plural} from '../format.js';
import {registerSection} from '../registry.js';
import {finite, quantile} from '../statistics.js';
import {drawHeadDots, drawHeadPicture} from '../figures/sink_geometry.js';

const kLeastGain = 0.05;  // of a precision over the base rate, to be informative
const kLayouts = {'t-SNE': 'tsne', 'PCA': 'pca'};

// -- sentences

function describeRule({agreement}) {
  const rule = agreement?.euclidean;
  if (!rule) return '';
  const {heads, named, measured, both, precision, recall, base_rate: base} = rule;
  if (measured === 0) {
    return `The rule of eq. 26 names ${ofAll(named, heads, 'heads')}, but no head is measured ` +
      'to be a sink head, so it cannot be evaluated.';
  }
  const gain = precision - base;
  const verdict = precision === null || gain <= kLeastGain ? 'so the rule is hardly better ' +
    'than the base rate' : 'so the rule is informative';
  return `The rule of eq. 26 names ${ofAll(named, heads, 'heads')}; ${number(measured)} are ` +
    `measured sink heads, ${number(both)} are both: precision ${number(precision, 2)} and recall ` +
    `${number(recall, 2)} against a base rate of ${number(base, 2)}, ${verdict}.`;
}

function describeGap({agreement}) {
  const area = agreement?.euclidean?.area_by_logit_gap;
  if (!Number.isFinite(area)) return '';
  return `A measured sink head has a wider logit gap than another head with a probability ` +
    `of ${number(area, 2)}.`;
}

function describeValues({heads}) {
  const drain = quantile(heads.map((head) => head.value_drain), 0.5);
  const rank = quantile(heads.map((head) => head.sinks.effective_rank), 0.5);
  const others = quantile(heads.map((head) => head.others.effective_rank), 0.5);
  const drained = drain === null ? '' : `Over all heads the median value of a sink is ` +
    `${number(drain, 2)} times as long as that of another key` +
    `${drain < 0.5 ? ', so attending to it writes little' : ''}.`;
  const narrow = rank === null ? '' : ` Sink keys span effectively ${number(rank, 2)} of a ` +
    `head’s dimensions, others ${number(others, 2)} (medians over heads).`;
  return `${drained}${narrow}`;
}

// -- nodes

function pictureName({role, layer, head}) {
  return `${capital(role)}: layer ${layer}, head ${head}`;
}

function pictureNodes(pictures) {
  const drawn = pictures.filter(({points}) => points.length > 0);
  if (drawn.length === 0) return [paragraph('No head could be projected to two dimensions.')];
  let layout = 'tsne';
  const figures = drawn.map((picture, i) => figure(`head-picture-${i}`,
    `Queries and keys: ${pictureName(picture)}`,
    (container) => drawHeadPicture(container, picture, layout)));
  const buttons = choice('Layout', Object.keys(kLayouts), (name) => {
    layout = kLayouts[name];
    for (const node of figures) node.draw(node);
  });
  return [
    buttons,
    panels(...drawn.map((picture, i) => [pictureName(picture), figures[i]])),
    paragraph('Each mark is a token’s query or key of one sequence, projected to two ' +
      'dimensions without units (figure 6 of arXiv 2603.05498).', 'quiet'),
  ];
}

// The heads whose importance was measured, with it.
function measuredHeads(heads, sinks) {
  const known = new Map((sinks?.heads ?? []).map((head) => [headKey(head), head.importance]));
  return heads.map((head) => ({...head, importance: known.get(headKey(head)) ?? null}))
    .filter(({importance}) => importance !== null);
}

function headDotNodes(heads, sinks) {
  const measured = measuredHeads(heads, sinks);
  if (measured.length === 0) return [];
  const panel = (title, id, field) => [title, figure(id, `${title} of each head and its importance`,
    (container) => drawHeadDots(container, measured, field, sinks))];
  const known = (field) => finite(measured.map((head) => head[field])).length > 0;
  return [
    panels(
      ...(known('logit_gap') ? [panel('Logit gap', 'logit-gap', 'logit_gap')] : []),
      ...(known('value_drain') ? [panel('Value drain', 'value-drain', 'value_drain')] : [])),
    paragraph('Each mark is a head. Logit gap: how much higher its queries score sinks than ' +
      'other keys. Value drain: the length of a sink’s value over that of another. To the ' +
      `right: the attention that key ${sinks.key} receives; dotted: ε = ${sinks.epsilon}.`,
    'quiet'),
  ];
}

function agreementNodes(agreement) {
  const rows = Object.entries(agreement ?? {}).map(([distance, entry]) => ({distance, ...entry}));
  if (rows.length === 0) return [];
  const name = (row) => row.distance;
  return [table([
    {title: 'Closer by', left: true, value: name, text: name},
    {title: 'Heads', value: (row) => row.heads},
    {title: 'Named', value: (row) => row.named},
    {title: 'Measured', value: (row) => row.measured},
    {title: 'Both', value: (row) => row.both},
    {title: 'Precision', value: (row) => row.precision},
    {title: 'Recall', value: (row) => row.recall},
    {title: 'Base rate', value: (row) => row.base_rate},
    {title: 'Area, by margin', value: (row) => row.area_by_margin},
    {title: 'Area, by logit gap', value: (row) => row.area_by_logit_gap},
  ], rows),
  paragraph('The rule, with either distance, compared with the heads whose mean importance ' +
    'exceeds ε. Area: the probability that a sink head ranks above another head; 0.5 is chance ' +
    'level.', 'quiet')];
}

function geometryNodes(section, {attention_sinks: sinks}) {
  if (section.heads.length === 0)
    return [paragraph('The text does not have both sink keys and other keys, so there is ' +
      'nothing to compare.')];
  return [
    paragraph(`${plural(section.sink_keys, 'sink key')} and ` +
      `${plural(section.other_keys, 'other key')} in each of ` +
      `${plural(section.heads.length, 'head')}. ${describeRule(section)} ${describeGap(section)}`),
    paragraph(describeValues(section)),
    ...pictureNodes(section.pictures),
    ...headDotNodes(section.heads, sinks),
    ...agreementNodes(section.agreement),
  ];
}

registerSection({
  key: 'sink_geometry',
  order: 80,
  chapter: 'Sink geometry',
  nodes: geometryNodes,
  definitionName: 'Sink geometry',
});
