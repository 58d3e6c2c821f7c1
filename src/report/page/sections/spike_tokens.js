// Spike tokens: which tokens are massive, and at which positions.

import {element, figure, panels, paragraph, table} from '../elements.js';
import {agree, blockName, listed, number, ofAll, plural, tokenName, tokenText} from '../format.js';
import {registerSection} from '../registry.js';
import {finite, greatest} from '../statistics.js';
import {
  drawPairs, drawSpikesByBlock, drawSpikesByPosition, elsewhere,
} from '../figures/spike_tokens.js';

const kConstant = 0.1;  // relative range of a ratio that counts as constant
const kMostOfAll = 0.5;  // share of the tokens beyond which spiking is the rule

// -- sentences

function describeWhere({tokens, spiking, by_position: positions}) {
  const first = positions.find(({position}) => position === 0);
  if (!first) return 'None of them is the first of its sequence.';
  const {spiking: atStart, seen} = first;
  return `At position 0 they are ${ofAll(atStart, seen)}, elsewhere ` +
    `${ofAll(spiking - atStart, tokens - seen)}.`;
}

function describeElsewhere({by_token: tokens}) {
  const rows = tokens.map((token) => ({token, ...elsewhere(token)}))
    .filter(({spiking}) => spiking > 0).sort((a, b) => b.spiking - a.spiking);
  if (rows.length === 0) return '';
  const names = rows.map(({token, spiking, seen}) =>
    `${tokenName(token)} (${number(spiking)} of ${plural(seen, 'time')})`);
  return `Elsewhere they are ${listed(names, 4)}.`;
}

function describeWhich(section) {
  const {tokens, spiking} = section;
  if (spiking <= kMostOfAll * tokens) return describeElsewhere(section);
  return 'Most tokens are massive here, so the statistics of ordinary tokens are based on ' +
    `${plural(tokens - spiking, 'token')}.`;
}

function describeSpikeTokens(section) {
  const {tokens, spiking} = section;
  return `${ofAll(spiking, tokens, 'tokens')} ${agree(spiking, 'is', 'are')} massive after some ` +
    `block. ${describeWhere(section)} ` +
    describeWhich(section);
}

// How the ratio of the two channels moves from block to block.
function describeCourseOfPair(states, {channel, reference}) {
  const means = finite(states.flatMap(({pairs}) => pairs)
    .filter((pair) => pair.channel === channel && pair.reference === reference)
    .map((pair) => pair.mean));
  if (means.length < 2) return '';
  const [least, most] = [Math.min, Math.max].map((pick) => means.reduce((a, b) => pick(a, b)));
  const constant = most - least <= kConstant * Math.max(Math.abs(least), Math.abs(most));
  const over = `${number(least, 3)} to ${number(most, 3)} over ${plural(means.length, 'block')}`;
  return constant ? ` The first ratio is nearly constant: ${over}.` :
    ` The first ratio is not constant: ${over}.`;
}

function describePairs(states) {
  const state = greatest(states, ({pairs}) => pairs[0]?.count ?? NaN);
  if (!state) return '';
  const ratios = state.pairs.map((pair) => `channel ${pair.channel} is ${number(pair.mean, 3)} ± ` +
    `${number(pair.standard_deviation, 2)} of channel ${pair.reference} ` +
    `(${plural(pair.count, 'token')})`);
  return `Channels that spike in the same token have a ratio: after ${blockName(state)} ` +
    `${listed(ratios, 3)}.${describeCourseOfPair(states, state.pairs[0])}`;
}

function summariseSpikeTokens(section) {
  if (section.spiking === 0) return 'No token is massive after any block.';
  return `${ofAll(section.spiking, section.tokens, 'tokens')} ` +
    `${agree(section.spiking, 'spikes', 'spike')}. ${describeWhere(section)} ` +
    describeWhich(section);
}

// -- nodes

function timesText(spiking, seen) {
  return seen > 0 ? `${number(spiking)} of ${number(seen)}` : '–';
}

function spikingTokenTable(tokens) {
  const away = (row) => elsewhere(row);
  return table([
    {title: 'Id', value: (row) => row.id, text: (row) => String(row.id)},
    {title: 'Text', left: true, code: true, value: (row) => row.text, text: tokenText},
    {
      title: 'Spikes at position 0',
      value: (row) => row.spiking_first,
      text: (row) => timesText(row.spiking_first, row.seen_first),
    },
    {
      title: 'Spikes elsewhere',
      value: (row) => away(row).spiking,
      text: (row) => timesText(away(row).spiking, away(row).seen),
    },
    {title: 'Largest |h|', value: (row) => row.largest},
  ], tokens);
}

function pairNodes({states}) {
  const known = states.flatMap(({pairs}) => pairs).some((pair) => Number.isFinite(pair.mean));
  if (!known) return [];
  return [
    element('h3', {textContent: 'Ratios of channels'}),
    paragraph(describePairs(states)),
    figure('channel-pairs', 'Ratios of channels that spike together, after each block',
      (container) => drawPairs(container, states)),
    paragraph('One line for each pair of channels that spike in the same tokens: the mean of ' +
      'their quotient; bars are a standard deviation to either side.', 'quiet'),
  ];
}

function spikeTokenNodes(section, {life_cycle: life}) {
  const {states, by_position: positions, by_token: tokens} = section;
  if (section.spiking === 0) {
    return [paragraph('No token of this text is massive after any block, so there are no spike ' +
      'tokens to show.')];
  }
  const byBlock = figure('spikes-by-block', 'How many tokens spike after each block',
    (container) => drawSpikesByBlock(container, section, life));
  const byPosition = figure('spikes-by-position', 'The share of tokens that spikes at each ' +
    'position',
    (container) => drawSpikesByPosition(container, positions));
  const several = positions.length > 1;
  return [
    paragraph(describeSpikeTokens(section)),
    panels(
      ...(states.length > 0 ? [['After each block', byBlock]] : []),
      ...(several ? [['At each position', byPosition]] : [])),
    paragraph('Bars: tokens that are massive in the hidden state after the block' +
      `${several ? '; the share of sequences whose token at that position spikes' : ''}.`, 'quiet'),
    ...pairNodes(section),
    element('h3', {textContent: 'Tokens'}),
    spikingTokenTable(tokens),
    paragraph('How often each token spikes as the first of its sequence, and elsewhere. ␣ is a ' +
      'space, ⏎ a line break, ∅ no text.', 'quiet'),
  ];
}

registerSection({
  key: 'spike_tokens',
  order: 20,
  chapter: 'Spike tokens',
  nodes: spikeTokenNodes,
  summary: summariseSpikeTokens,
  definitionName: 'Spike tokens',
});
