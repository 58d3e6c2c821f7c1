// Numbers, blocks, tokens and lists as text.

const kLongestLabel = 24;  // characters of a token in a figure

export function number(value, digits = 4) {
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

// 0 % and 100 % only for exact values.
export function percentage(value) {
  if (value > 0 && value < 1e-3) return '< 0.001\u00a0%';
  if (value > 99.99 && value < 100) return '> 99.99\u00a0%';
  const text = number(value, value > 99 ? 4 : 3);
  return text === '–' ? text : `${text}\u00a0%`;
}

export function plural(count, word) {
  return `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;
}

// "3 of 40 tokens (7.5 %)"
export function ofAll(count, all, words = '') {
  const share = all > 0 ? ` (${percentage((100 * count) / all)})` : '';
  return `${number(count)} of ${all.toLocaleString('en')}${words && ` ${words}`}${share}`;
}

export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function agree(count, one, many) {
  return count === 1 ? one : many;
}

// [3, 4, 5, 9] -> "3–5, 9"
export function ranges(numbers) {
  const runs = [];
  for (const value of [...numbers].sort((a, b) => a - b)) {
    const run = runs[runs.length - 1];
    if (run && value === run[1] + 1) run[1] = value;
    else runs.push([value, value]);
  }
  return runs.map(([a, b]) => (a === b ? `${a}` : `${a}–${b}`)).join(', ');
}

// "layer 3", "blocks 4–9, 12"
export function rangesOf(word, numbers) {
  return `${word}${agree(numbers.length, '', 's')} ${ranges(numbers)}`;
}

export function listed(items, most = 6) {
  const shown = items.slice(0, most).map(String);
  if (items.length > most) shown.push(`${items.length - most} more`);
  if (shown.length < 2) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} and ${shown[shown.length - 1]}`;
}

export function blockName(block) {
  if (block.block === 0) return 'embedding';
  return `block ${block.block} (layer ${block.layer}, ${kindName(block)})`;
}

export function kindName({kind}) {
  return kind === 'feed_forward' ? 'feed-forward' : kind;
}

export function headKey(head) {
  return `${head.layer}:${head.head}`;
}

export function spanName([first, last], spikes = []) {
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

export function tokenName(token) {
  if (token.text === undefined) return `id ${token.id}`;
  const characters = [...visible(token.text)];
  if (characters.length <= kLongestLabel) return characters.join('');
  return `${characters.slice(0, kLongestLabel).join('')}…`;
}

// For tables: where there is no tokenizer there is no text.
export function tokenText(token) {
  return token.text === undefined ? '–' : visible(token.text);
}

// A loss, with the digits in which runs differ.
export function lossText(value) {
  return Number.isFinite(value) ? value.toFixed(3) : number(null);
}
