// The vocabulary: every entry as the first token, and some after a prefix.
'use strict';

/* global element, paragraph, figure, panels, table, number, percentage, plural, agree, ofAll */
/* global tokenName, tokenText, blockName, listed, drawMagnitudes, drawTriggerCourse */
/* exported kVocabularyProbe, probeThreshold */

const kNearlyAll = 90;  // percent
const kHardlyAny = 10;
const kNamedExceptions = 4;

// An entry spikes from here on.
function probeThreshold({spike, options}) {
  return Math.max(options.least_share * (spike ?? 0), options.least_magnitude);
}

// -- sentences

function tellMeaning(probe) {
  const {later, percent} = probe;
  if (percent >= kNearlyAll) {
    const rare = later && later.percent < percent / 2 ? ', and rarely elsewhere' : '';
    return `Nearly any token spikes in first place${rare}: there the place matters, not the word.`;
  }
  if (percent <= kHardlyAny) return 'Hardly any token spikes for being the first.';
  return 'Whether a first token spikes depends on the token.';
}

function tellProbe(probe) {
  const {later} = probe;
  const after = later ? ` After ${plural(later.position, 'token')} of text ` +
    `${ofAll(later.spiking, later.vocabulary)} do.` : '';
  return `${tellSpiking(probe)} as the first token: after ${blockName(probe)} the largest ` +
    `magnitude is then at least ${number(probeThreshold(probe))}, where the text showed ` +
    `${number(probe.spike)}.${after} ${tellMeaning(probe)}`;
}

function tellSpiking({spiking, vocabulary}) {
  const words = agree(vocabulary, 'vocabulary entry', 'vocabulary entries');
  return `${ofAll(spiking, vocabulary, words)} ${agree(spiking, 'spikes', 'spike')}`;
}

function tellExceptions({exceptions, exception_count: count, spiking, vocabulary}) {
  if (count === 0) return 'There are no exceptions.';
  const spike = spiking <= vocabulary / 2;
  const which = spike ? agree(count, 'entry spikes', 'entries spike') :
    agree(count, 'entry does not spike', 'entries do not spike');
  const names = exceptions.map((token) => tokenName(token));
  if (names.length === 0) return `${number(count)} ${which}.`;
  const among = count > kNamedExceptions ? ', among them' : ':';
  return `${number(count)} ${which}${among} ${listed(names.slice(0, kNamedExceptions))}.`;
}

function tellCourse({course}) {
  if (!course.some(({state}) => Number.isFinite(state.mean))) {
    return 'The block that makes the spike has no outlier channel, so there is no trigger ' +
      'direction to follow.';
  }
  const first = course[0];
  const last = course[course.length - 1];
  return `The mean cosine of the trigger direction with the stream goes from ` +
    `${number(first.state.mean, 2)} (${blockName(first)}) to ${number(last.state.mean, 2)} ` +
    `(block ${last.block}, the last before the spike).`;
}

function shortProbe(probe) {
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
    paragraph('How many entries reach which largest magnitude; both axes are logarithmic (table ' +
      '2 of arXiv 2603.05498 counts those beyond the line).', 'quiet'),
  ];
}

function courseNodes(probe) {
  const told = paragraph(tellCourse(probe));
  if (!probe.course.some(({state}) => Number.isFinite(state.mean))) return [told];
  return [
    element('h3', {textContent: 'On the way to the trigger'}),
    told,
    figure('vocabulary-course', 'Cosine of the trigger with the stream and with block outputs',
      (container) => drawTriggerCourse(container, probe)),
    paragraph('Mean over all entries; bars are a standard deviation to either side. The first ' +
      'token attends to itself alone, so attention is a fixed linear map of it (eq. 22).', 'quiet'),
  ];
}

function probeNodes(probe) {
  if (probe.vocabulary === 0) return [paragraph('No vocabulary entry was tried.')];
  const {exceptions} = probe;
  return [
    paragraph(tellProbe(probe)),
    ...magnitudeNodes(probe),
    ...courseNodes(probe),
    element('h3', {textContent: 'Exceptions'}),
    paragraph(tellExceptions(probe)),
    ...(exceptions.length > 0 ? [exceptionTable(probe)] : []),
  ];
}

const kVocabularyProbe = {key: 'vocabulary_probe', build: probeNodes, short: shortProbe};
