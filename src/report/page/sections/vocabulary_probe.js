// The vocabulary: every entry as the first token, and some after a prefix.

import {element, figure, keyFigure, panels, paragraph, table} from '../elements.js';
import {
  agree, blockName, listed, number, ofAll, percentage, plural, tokenName, tokenText,
} from '../format.js';
import {registerSection} from '../registry.js';
import {drawMagnitudes, drawTriggerCourse, probeThreshold} from '../figures/vocabulary_probe.js';

const kNearlyAll = 90;  // percent
const kHardlyAny = 10;
const kNamedExceptions = 4;

// -- sentences

function describeMeaning(probe) {
  const {later, percent} = probe;
  if (percent >= kNearlyAll) {
    const rare = later && later.percent < percent / 2 ? ', and rarely elsewhere' : '';
    return `Nearly any token spikes at the first position${rare}: the position matters, not the ` +
      'token.';
  }
  if (percent <= kHardlyAny) return 'Hardly any token spikes only because it is the first.';
  return 'Whether a first token spikes depends on the token.';
}

function describeProbe(probe) {
  const {later} = probe;
  const after = later ? ` After ${plural(later.position, 'token')} of text ` +
    `${ofAll(later.spiking, later.vocabulary)} do.` : '';
  return `${describeSpiking(probe)} as the first token: after ${blockName(probe)} the largest ` +
    `magnitude is then at least ${number(probeThreshold(probe))}, and in the text it was ` +
    `${number(probe.spike)}.${after} ${describeMeaning(probe)}`;
}

function describeSpiking({spiking, vocabulary}) {
  const words = agree(vocabulary, 'vocabulary entry', 'vocabulary entries');
  return `${ofAll(spiking, vocabulary, words)} ${agree(spiking, 'spikes', 'spike')}`;
}

function describeExceptions({exceptions, exception_count: count, spiking, vocabulary}) {
  if (count === 0) return 'There are no exceptions.';
  const spike = spiking <= vocabulary / 2;
  const which = spike ? agree(count, 'entry spikes', 'entries spike') :
    agree(count, 'entry does not spike', 'entries do not spike');
  const names = exceptions.map((token) => tokenName(token));
  if (names.length === 0) return `${number(count)} ${which}.`;
  const among = count > kNamedExceptions ? ', among them' : ':';
  return `${number(count)} ${which}${among} ${listed(names.slice(0, kNamedExceptions))}.`;
}

function describeCourse({course}) {
  if (!course.some(({state}) => Number.isFinite(state.mean))) {
    return 'The block that makes the spike has no outlier channel, so there is no trigger ' +
      'direction to show.';
  }
  const first = course[0];
  const last = course[course.length - 1];
  return `The mean cosine of the trigger direction with the stream goes from ` +
    `${number(first.state.mean, 2)} (${blockName(first)}) to ${number(last.state.mean, 2)} ` +
    `(block ${last.block}, the last before the spike).`;
}

function summariseProbe(probe) {
  const {later} = probe;
  const after = later ? `; after a prefix ${percentage(later.percent)}` : '';
  return `As the first token ${percentage(probe.percent)} of the vocabulary spikes${after}.`;
}

// -- nodes

function exceptionTable({exceptions, course}) {
  return table([
    {title: 'Id', value: (row) => row.id, text: (row) => String(row.id)},
    {title: 'Text', left: true, code: true, value: (row) => row.text, text: tokenText},
    {title: 'Largest |h|', value: (row) => row.magnitude},
    {title: 'In channel', value: (row) => row.channel, text: (row) => String(row.channel)},
    ...(course.length > 0 ? [{title: 'Cosine with the trigger', value: (row) => row.cosine}] : []),
  ], exceptions);
}

function magnitudeNodes(probe) {
  const shown = [['As the first token', probe], ['After a prefix', probe.later]]
    .filter(([, one]) => one?.magnitudes.length > 0);
  if (shown.length === 0) return [];
  const values = [probe, probe.later].flatMap((one) => one?.magnitudes ?? [])
    .flatMap(({from, to}) => [from, to]).concat(probeThreshold(probe));
  const nodes = shown.map(([title, one], i) => [title, figure(`vocabulary-magnitudes-${i}`,
    `Histogram of the largest magnitudes: ${title}`,
    (container) => drawMagnitudes(container, one, values))]);
  return [
    panels(...nodes),
    paragraph('Histogram of the largest magnitudes of the entries; both axes are logarithmic ' +
      '(table 2 of arXiv 2603.05498 counts those beyond the line).', 'quiet'),
  ];
}

function courseNodes(probe) {
  const intro = paragraph(describeCourse(probe));
  if (!probe.course.some(({state}) => Number.isFinite(state.mean))) return [intro];
  return [
    element('h3', {textContent: 'Alignment with the trigger'}),
    intro,
    figure('vocabulary-course', 'Cosine of the trigger with the stream and with block outputs',
      (container) => drawTriggerCourse(container, probe)),
    paragraph('Mean over all entries; bars are a standard deviation to either side. The first ' +
      'token attends to itself alone, so attention is a fixed linear map of it (eq. 22).', 'quiet'),
  ];
}

function probeNodes(probe) {
  if (probe.vocabulary === 0) return [paragraph('No vocabulary entry was measured.')];
  const {exceptions} = probe;
  return [
    paragraph(describeProbe(probe)),
    ...magnitudeNodes(probe),
    ...courseNodes(probe),
    element('h3', {textContent: 'Exceptions'}),
    paragraph(describeExceptions(probe)),
    ...(exceptions.length > 0 ? [exceptionTable(probe)] : []),
  ];
}

function probeKeyFigures(probe) {
  const note = `of ${number(probe.vocabulary)} entries, as the first token`;
  return [keyFigure('Vocabulary that spikes', percentage(probe.percent), note)];
}

registerSection({
  key: 'vocabulary_probe',
  order: 50,
  chapter: 'Vocabulary probe',
  nodes: probeNodes,
  summary: summariseProbe,
  keyFigures: probeKeyFigures,
  definitionName: 'Vocabulary probe',
});
