// What a spikesink report says in words: how numbers, blocks and tokens are written, and the sentences made from the data.
'use strict';

const kLongestLabel = 24;  // characters of a token in a figure

/* exported number, visible, tokenName, spanName, headKey, ranges, plural, blockName, largestPeak */
/* exported warnings, tellLifeCycle, tellSteps, tellSinks, tellPicture, tellMassive, tellPositions, definitions */

// -- how things are written

function number(value, digits = 4) {
  if (value === null || value === undefined) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e7 || size < 1e-3) return signed(value.toExponential(2));
  if (size >= 10 ** (digits - 1)) return signed(Math.round(value).toLocaleString('en'));
  return signed(Number(value.toPrecision(digits)));
}

function signed(text) {
  return String(text).replace('-', '−');
}

function kindName(kind) {
  return kind === 'feed_forward' ? 'feed-forward' : kind;
}

function blockName(place) {
  if (place.block === 0) return 'embedding';
  return `block ${place.block} (layer ${place.layer}, ${kindName(place.kind)})`;
}

function spanName([first, last], spikes = []) {
  if (first === last) return `channel ${first}`;
  const inside = spikes.filter((channel) => channel >= first && channel <= last);
  return `channels ${first}–${last}${inside.length > 0 ? ` (spike: ${listed(inside)})` : ''}`;
}

// White space, controls and invisible marks of a token, made visible.
function visible(text) {
  if (text === '') return '∅';
  const signs = {' ': '␣', '\n': '⏎', '\t': '⇥', '\r': '↵'};
  return text.replace(/[\s\p{Cc}\p{Cf}]/gu, (character) =>
    signs[character] ?? `\\u{${character.codePointAt(0).toString(16)}}`);
}

function tokenName(token) {
  if (token.text === undefined) return `id ${token.id}`;
  const text = visible(token.text);
  return text.length > kLongestLabel ? `${text.slice(0, kLongestLabel)}…` : text;
}

function headKey(head) {
  return `${head.layer}:${head.head}`;
}

// [3, 4, 5, 9] -> "3–5, 9"
function ranges(numbers) {
  const runs = [];
  for (const value of [...numbers].sort((a, b) => a - b)) {
    const run = runs[runs.length - 1];
    if (run && value === run[1] + 1) run[1] = value;
    else runs.push([value, value]);
  }
  return runs.map(([a, b]) => (a === b ? `${a}` : `${a}–${b}`)).join(', ');
}

// "layer 3", "blocks 4–9, 12"
function rangesOf(word, numbers) {
  return `${word}${numbers.length === 1 ? '' : 's'} ${ranges(numbers)}`;
}

function listed(items, most = 6) {
  const shown = items.slice(0, most).map(String);
  if (items.length > most) shown.push(`${items.length - most} more`);
  if (shown.length < 2) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} and ${shown[shown.length - 1]}`;
}

function plural(count, word) {
  return `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;
}

// -- sentences

function largestPeak(life) {
  const peaks = life.blocks
    .filter((block) => block.hidden_state.top.length > 0)
    .map((block) => ({...block.hidden_state.top[0], place: block, median: block.hidden_state.median}));
  return peaks.reduce((best, peak) => (best && best.magnitude >= peak.magnitude ? best : peak), null);
}

// What the reader must know before trusting any number of the page.
function warnings(report) {
  const {life_cycle: life, attention_sinks: sinks, perplexity} = report;
  const found = [];
  const states = life ? [
    {state: life.embedding, where: 'in the embedding'},
    ...life.blocks.flatMap((block) => [
      {state: block.output, where: `in the output of ${blockName(block)}`},
      {state: block.hidden_state, where: `after ${blockName(block)}`},
    ]),
  ].filter(({state}) => state.not_finite > 0) : [];
  if (states.length > 0) {
    const count = states.reduce((sum, {state}) => sum + state.not_finite, 0);
    found.push(`${plural(count, 'value')} of the hidden states and block outputs ${count === 1 ? 'is' : 'are'} NaN or infinite, ` +
      `first ${states[0].where}. Maxima and medians leave ${count === 1 ? 'it' : 'them'} out.`);
  }
  const heads = (sinks?.heads ?? []).filter((head) => head.importance === null).length;
  if (heads > 0) {
    found.push(`The importance of ${plural(heads, 'head')} is not a finite number; ` +
      `${heads === 1 ? 'it counts as no sink head' : 'they count as no sink heads'}.`);
  }
  if (perplexity && perplexity.tokens > 0 && perplexity.perplexity === null) found.push('The perplexity is not a finite number.');
  return found;
}

function tellLifeCycle(life) {
  const peak = largestPeak(life);
  if (!peak) return 'No state was measured.';
  const times = peak.median > 0 ? `, ${number(Number((peak.magnitude / peak.median).toPrecision(2)))} times the median of that state` : '';
  const largest = `The largest magnitude is ${number(peak.magnitude)}, in channel ${peak.channel} after ${blockName(peak.place)}${times}.`;
  const spikes = life.spike_channels;
  if (spikes.length === 0) return `${largest} No channel is a spike by the definition below.`;
  const {least_magnitude: least} = life.options;
  const leading = life.courses.find((course) => course.channel === spikes[0]);
  const above = leading.hidden_state.flatMap((value, block) => (value > least ? [block] : []));
  return `${largest} ${spikes.length === 1 ? 'One channel spikes' : `${spikes.length} channels spike`}: ${listed(spikes)}. ` +
    `Channel ${spikes[0]} exceeds ${least} after ${rangesOf('block', above)}.`;
}

function tellSteps(life) {
  const name = (block) => blockName(life.blocks[block - 1]);
  const side = (blocks, what) => (blocks.length > 0 ? `${what}: ${listed(blocks.map(name))}.` : '');
  return [side(life.step_up, 'Step-up'), side(life.step_down, 'Step-down')].filter(Boolean).join(' ');
}

function tellSinks(report) {
  const {heads, sink_heads: sinks, key, epsilon} = report;
  if (sinks.length === 0) return `No head gives key ${key} a mean importance above ε = ${epsilon}.`;
  const layers = [...new Set(heads.map((head) => head.layer))];
  const layerList = (what, list) => (list.length > 0 ? `${what} of ${rangesOf('layer', list)}` : '');
  const full = layers.filter((layer) => heads.every((head) => head.layer !== layer || head.importance > epsilon));
  const bare = layers.filter((layer) => sinks.every((head) => head.layer !== layer));
  const where = [layerList('every head', full), layerList('none', bare)].filter(Boolean).join(', ');
  return `${sinks.length.toLocaleString('en')} of ${plural(heads.length, 'head')} ${sinks.length === 1 ? 'gives' : 'give'} key ${key} a mean importance ` +
    `above ε = ${epsilon} (outlined)${where && `: ${where}`}.`;
}

function tellPicture(picture) {
  const values = picture.magnitudes.flat().filter((value) => value !== null);
  const largest = values.reduce((a, b) => Math.max(a, b), 0);
  const above = values.filter((value) => value > largest / 10).length;
  return `Sequence ${picture.sequence} after ${blockName(picture)}, the hidden state with the largest magnitude of the run: ` +
    `its first ${plural(picture.tokens.length, 'token')} × ${plural(picture.channels[picture.channels.length - 1][1] + 1, 'channel')}. ` +
    `${above.toLocaleString('en')} of ${plural(values.length, 'cell')} ${above === 1 ? 'exceeds' : 'exceed'} a tenth of the largest, ${number(largest)}.`;
}

function tellMassive(massive) {
  const tokens = Math.max(...massive.blocks.map((block) => block.token_count));
  const one = massive.channels.length === 1;
  return `${plural(massive.channels.length, 'channel')} ${one ? 'holds' : 'hold'} massive values, after ` +
    `${rangesOf('block', massive.blocks.map((block) => block.block))}. At most ${plural(tokens, 'token')} of the run ` +
    `${tokens === 1 ? 'carries' : 'carry'} them after any one block.`;
}

// Of the block with the most massive tokens.
function tellPositions(massive) {
  const block = massive.blocks.reduce((a, b) => (b.token_count > a.token_count ? b : a));
  const positions = [...block.positions].sort((a, b) => b.count - a.count);
  const places = positions.map(({position, count}) => `position ${position} (${plural(count, 'sequence')})`);
  return `After ${blockName(block)} they sit at ${listed(places)}.`;
}

function definitions(report) {
  const {life_cycle: life, massive_activations: massive, attention_sinks: sinks, perplexity} = report;
  const options = (values) => Object.entries(values).map(([name, value]) => `${name} = ${value}`).join(', ');
  const found = [];
  if (life) {
    found.push(['Spike channels, step-up and step-down blocks', life.definition], ['… with', options(life.options)]);
  }
  if (massive) found.push(['Massive activations', massive.definition], ['… with', options(massive.options)]);
  if (sinks) {
    found.push(['Importance of a key', sinks.definitions.importance]);
    for (const [name, percent] of Object.entries(sinks.ratios)) {
      found.push([`Sink ratio “${name}” = ${number(percent, 3)} %`, sinks.definitions[name]]);
    }
  }
  if (perplexity) found.push(['Perplexity', perplexity.definition]);
  found.push(['Counting', 'Blocks count from 1, two a layer: attention, then feed-forward. Layers, heads, channels, positions ' +
    'and sequences count from 0. Magnitudes are absolute values.']);
  return found;
}
