// The key/value cache: which tokens must not be evicted.

import {element, paragraph, table} from '../elements.js';
import {agree, listed, number, ofAll, percentage, plural, tokenName, tokenText} from '../format.js';
import {registerSection} from '../registry.js';

function describeShare({kept_per_sequence: kept, tokens, sequences, attention}) {
  const length = sequences > 0 ? ` of ${number(tokens / sequences, 3)}` : '';
  const share = Number.isFinite(attention) ?
    ` receive ${percentage(100 * attention)} of the attention` : ' must stay';
  return `${number(kept, 3)} tokens${length} in a sequence${share}`;
}

function describeTokensToKeep({keep}) {
  const atStart = keep.some((token) => token.at_start);
  const away = keep.filter((token) => !token.at_start).map((token) => tokenName(token));
  const parts = [...(atStart ? ['position 0'] : []), ...(away.length > 0 ? [listed(away, 3)] : [])];
  return parts.length > 0 ? `Keep ${parts.join(' and ')}: ` : '';
}

function describeCache(section) {
  const {heads, heads_with_sinks: sinking} = section;
  return `${describeTokensToKeep(section)}${describeShare(section)} (mean over heads). ` +
    `${ofAll(sinking, heads, 'heads')} ${agree(sinking, 'has', 'have')} a sink somewhere.`;
}

function summariseCache(section) {
  return section.kept > 0 ? `${describeTokensToKeep(section)}${describeShare(section)}.` : '';
}

function keptTokenTable(keep) {
  const name = (row) => (row.at_start ? 'any first token' : tokenText(row));
  return table([
    {title: 'Token', left: true, code: true, value: name, text: name},
    {title: 'Id', value: (row) => row.id, text: (row) => (row.at_start ? '–' : String(row.id))},
    {title: 'Occurrences', value: (row) => row.occurrences},
    {title: 'Occurrences that spike', value: (row) => row.spiking},
    {title: 'Occurrences that are sinks', value: (row) => row.sinking},
    {title: 'Heads with a sink there', value: (row) => row.heads},
  ], keep);
}

function cacheNodes(section) {
  const title = element('h3', {textContent: 'Key/value cache'});
  if (!(section.kept > 0)) {
    return [title, paragraph('No token of the text spikes or is a sink of enough heads: a cache ' +
      'may evict any of them.')];
  }
  const {least_share_of_heads: least} = section.options;
  return [
    title,
    paragraph(describeCache(section)),
    ...(section.keep.length > 0 ? [keptTokenTable(section.keep)] : []),
    paragraph(`${number(section.kept)} of ${plural(section.tokens, 'token')} should be kept: ` +
      `those that spike or are a sink of at least ${percentage(100 * least)} of the heads. ` +
      'Without them a cache that evicts old tokens breaks the attention of those heads.', 'quiet'),
  ];
}

registerSection({
  key: 'kv_cache',
  order: 102,
  chapterOf: 'quantisation',
  nodes: cacheNodes,
  summary: summariseCache,
  definitionName: 'Key/value cache',
});
