// Massive activations: the tables of channels and tokens.
'use strict';

/* global element, paragraph, table, number, plural, agree, ranges, rangesOf, listed, tokenText */
/* global blockName */
/* exported kMassiveActivations */

function tellMassive(massive) {
  const channels = massive.channels.length;
  const blocks = massive.blocks.map((block) => block.block);
  const tokens = Math.max(...massive.blocks.map((block) => block.token_count));
  return `${plural(channels, 'channel')} ${agree(channels, 'holds', 'hold')} massive values, ` +
    `after ${rangesOf('block', blocks)}. At most ${plural(tokens, 'token')} of the run ` +
    `${agree(tokens, 'carries', 'carry')} them after any one block.`;
}

// Of the block with the most massive tokens.
function tellPositions(massive) {
  const block = massive.blocks.reduce((a, b) => (b.token_count > a.token_count ? b : a));
  const positions = [...block.positions].sort((a, b) => b.count - a.count);
  const places = positions.map(({position, count}) =>
    `position ${position} (${plural(count, 'sequence')})`);
  return `After ${blockName(block)} they sit at ${listed(places, 3)}.`;
}

// A column of the blocks after which something is massive.
const kBlocksColumn = {
  title: 'Massive after blocks',
  left: true,
  value: (row) => row.blocks.length,
  text: (row) => ranges(row.blocks),
};

// One row a massive channel: what its block of largest magnitude says, and every block where it is
// massive.
function channelRows(massive) {
  return massive.channels.map((channel) => {
    const places = massive.blocks
      .map((block) => ({block, entry: block.channels.find((entry) => entry.channel === channel)}))
      .filter((place) => place.entry);
    const {block, entry} = places.reduce((a, b) => (b.entry.largest > a.entry.largest ? b : a));
    const ratio = block.ratios.find((candidate) => candidate.channel === channel);
    return {...entry, ratio, block: block.block, blocks: places.map((place) => place.block.block)};
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

// One row a token: its largest count in one block, and the blocks where it is massive.
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
  const told = (block) => block.tokens.reduce((sum, token) => sum + token.count, 0);
  const rare = massive.blocks.some((block) => told(block) < block.token_count);
  return [
    title,
    paragraph(`${tellMassive(massive)} ${tellPositions(massive)}`),
    channelTable(massive),
    paragraph('Means are signed and run over the massive values alone; they, the count and the ' +
      'ratio are those of the block where the channel is largest.', 'quiet'),
    tokenTable(massive),
    paragraph('The tokens that carry them. The count is the largest of any one block. ␣ is a ' +
      `space, ⏎ a line break, ∅ no text. ${rare ? 'The rarest are left out.' : ''}`, 'quiet'),
  ];
}

const kMassiveActivations = {key: 'massive_activations', build: massiveNodes};
