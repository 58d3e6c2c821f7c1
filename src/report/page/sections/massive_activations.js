// Massive activations: the tables of channels and tokens.

import {element, paragraph, table} from '../elements.js';
import {agree, blockName, listed, number, plural, ranges, rangesOf, tokenText} from '../format.js';
import {registerSection} from '../registry.js';

function describeMassive(massive) {
  const channels = massive.channels.length;
  const blocks = massive.blocks.map((block) => block.block);
  const tokens = Math.max(...massive.blocks.map((block) => block.token_count));
  return `${plural(channels, 'channel')} ${agree(channels, 'has', 'have')} massive values, ` +
    `after ${rangesOf('block', blocks)}. At most ${plural(tokens, 'token')} of the run ` +
    `${agree(tokens, 'has', 'have')} them after any one block.`;
}

// Of the block with the most massive tokens.
function describePositions(massive) {
  const block = massive.blocks.reduce((a, b) => (b.token_count > a.token_count ? b : a));
  const positions = [...block.positions].sort((a, b) => b.count - a.count);
  const named = positions.map(({position, count}) =>
    `position ${position} (${plural(count, 'sequence')})`);
  return `After ${blockName(block)} they are at ${listed(named, 3)}.`;
}

// A column of the blocks after which something is massive.
const kBlocksColumn = {
  title: 'Massive after blocks',
  left: true,
  value: (row) => row.blocks.length,
  text: (row) => ranges(row.blocks),
};

// One row per massive channel: the values of its block of largest magnitude, and every block where
// it is massive.
function channelRows(massive) {
  return massive.channels.map((channel) => {
    const entries = massive.blocks
      .map((block) => ({block, entry: block.channels.find((entry) => entry.channel === channel)}))
      .filter(({entry}) => entry);
    const {block, entry} = entries.reduce((a, b) => (b.entry.largest > a.entry.largest ? b : a));
    const ratio = block.ratios.find((candidate) => candidate.channel === channel);
    return {...entry, ratio, block: block.block, blocks: entries.map((other) => other.block.block)};
  });
}

function ratioText({ratio}) {
  if (!ratio) return '–';
  const {mean, standard_deviation: spread, reference} = ratio;
  return `${number(mean, 3)} ± ${number(spread, 2)} of channel ${reference}`;
}

function channelTable(massive) {
  return table([
    {title: 'Channel', value: (row) => row.channel, text: (row) => String(row.channel)},
    {title: 'Largest |x|', value: (row) => row.largest},
    {title: 'After block', value: (row) => row.block},
    kBlocksColumn,
    {title: 'Mean at position 0', value: (row) => row.mean_at_start},
    {title: 'Mean elsewhere', value: (row) => row.mean_elsewhere},
    {title: 'Count', value: (row) => row.count},
    {title: 'Ratio to the largest', left: true, value: (row) => row.ratio?.mean, text: ratioText},
  ], channelRows(massive));
}

// One row per token: its largest count in one block, and the blocks where it is massive.
function tokenRows(massive) {
  const rows = new Map();
  for (const block of massive.blocks) {
    for (const token of block.tokens) {
      const key = `${token.id}:${token.at_start}`;
      const row = rows.get(key) ?? {...token, count: 0, blocks: []};
      row.count = Math.max(row.count, token.count);
      row.blocks.push(block.block);
      rows.set(key, row);
    }
  }
  return [...rows.values()].sort((a, b) => b.count - a.count);
}

function tokenTable(massive) {
  const start = (row) => (row.at_start ? 'yes' : 'no');
  return table([
    {title: 'Id', value: (row) => row.id, text: (row) => String(row.id)},
    {title: 'Text', left: true, code: true, value: (row) => row.text, text: tokenText},
    {title: 'At position 0', left: true, value: start, text: start},
    {title: 'Count', value: (row) => row.count},
    kBlocksColumn,
  ], tokenRows(massive));
}

function massiveNodes(massive) {
  const title = element('h3', {textContent: 'Massive activations'});
  if (massive.blocks.length === 0) {
    return [title, paragraph('No activation of this run is massive by the definition below.')];
  }
  const listedTokens = (block) => block.tokens.reduce((sum, token) => sum + token.count, 0);
  const rare = massive.blocks.some((block) => listedTokens(block) < block.token_count);
  return [
    title,
    paragraph(`${describeMassive(massive)} ${describePositions(massive)}`),
    channelTable(massive),
    paragraph('Means are signed and over the massive values only. Means, count and ratio are ' +
      'those of the block where the channel is largest.', 'quiet'),
    tokenTable(massive),
    paragraph('The tokens with massive values. Count: the largest of any block. ␣ is a ' +
      `space, ⏎ a line break, ∅ no text. ${rare ? 'The rarest are left out.' : ''}`, 'quiet'),
  ];
}

registerSection({
  key: 'massive_activations',
  order: 22,
  chapterOf: 'spike_tokens',
  nodes: massiveNodes,
  definitionName: 'Massive activations',
});
