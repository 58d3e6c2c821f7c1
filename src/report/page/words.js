// How a spikesink report writes numbers, blocks, tokens and lists.
'use strict';

/* exported number, percentage, tokenName, spanName, headKey, ranges, rangesOf, plural */
/* exported listed, agree, blockName, kindName, ofAll, capital, tokenText, mean, quantile */
/* exported greatest, finite */

const kLongestLabel = 24;  // characters of a token in a figure

function number(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (value === 0) return '0';
  if (value === Infinity) return '∞';
  const size = Math.abs(value);
  if (size >= 1e7 || size < 1e-3) return signed(value.toExponential(2));
  if (size >= 10 ** (digits - 1)) return signed(Math.round(value).toLocaleString('en'));
  return signed(Number(value.toPrecision(digits)));
}

function signed(text) {
  return String(text).replace('-', '−');
}

// Neither nothing nor everything unless it is.
function percentage(value) {
  if (value > 0 && value < 1e-3) return '< 0.001\u00a0%';
  if (value > 99.99 && value < 100) return '> 99.99\u00a0%';
  const text = number(value, value > 99 ? 4 : 3);
  return text === '–' ? text : `${text}\u00a0%`;
}

function plural(count, word) {
  return `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;
}

// "3 of 40 tokens (7.5 %)"
function ofAll(count, all, words = '') {
  const share = all > 0 ? ` (${percentage((100 * count) / all)})` : '';
  return `${number(count)} of ${all.toLocaleString('en')}${words && ` ${words}`}${share}`;
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function agree(count, one, many) {
  return count === 1 ? one : many;
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
  return `${word}${agree(numbers.length, '', 's')} ${ranges(numbers)}`;
}

function listed(items, most = 6) {
  const shown = items.slice(0, most).map(String);
  if (items.length > most) shown.push(`${items.length - most} more`);
  if (shown.length < 2) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} and ${shown[shown.length - 1]}`;
}

function blockName(place) {
  if (place.block === 0) return 'embedding';
  return `block ${place.block} (layer ${place.layer}, ${kindName(place)})`;
}

function kindName({kind}) {
  return kind === 'feed_forward' ? 'feed-forward' : kind;
}

function headKey(head) {
  return `${head.layer}:${head.head}`;
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
  const code = (character) => `\\u{${character.codePointAt(0).toString(16)}}`;
  return text.replace(/[\s\p{Cc}\p{Cf}]/gu, (character) => signs[character] ?? code(character));
}

function tokenName(token) {
  if (token.text === undefined) return `id ${token.id}`;
  const characters = [...visible(token.text)];
  if (characters.length <= kLongestLabel) return characters.join('');
  return `${characters.slice(0, kLongestLabel).join('')}…`;
}

// For tables: where there is no tokenizer there is no text.
function tokenText(token) {
  return token.text === undefined ? '–' : visible(token.text);
}

// -- what is said of many numbers; those that are not known are left out

function finite(values) {
  return values.filter((value) => Number.isFinite(value));
}

function mean(values) {
  const known = finite(values);
  return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
}

function quantile(values, share) {
  const sorted = finite(values).sort((a, b) => a - b);
  return sorted[Math.round(share * (sorted.length - 1))] ?? null;
}

// The item with the greatest value, or undefined.
function greatest(items, value) {
  const larger = (a, b) => (value(b) > value(a) ? b : a);
  const known = items.filter((item) => Number.isFinite(value(item)));
  return known.length > 0 ? known.reduce(larger) : undefined;
}
