// The key/value cache: which places must not be evicted.
'use strict';

/* global element, paragraph, table, number, percentage, plural, agree, ofAll, listed, tokenName */
/* global tokenText */
/* exported kKvCache */

function tellShare({kept_per_sequence: kept, tokens, sequences, attention}) {
  const length = sequences > 0 ? ` of ${number(tokens / sequences, 3)}` : '';
  const share = Number.isFinite(attention) ?
    ` hold ${percentage(100 * attention)} of the attention` : ' must stay';
  return `${number(kept, 3)} tokens${length} in a sequence${share}`;
}

function tellTokensToKeep({keep}) {
  const atStart = keep.some((token) => token.at_start);
  const away = keep.filter((token) => !token.at_start).map((token) => tokenName(token));
  const parts = [...(atStart ? ['position 0'] : []), ...(away.length > 0 ? [listed(away, 3)] : [])];
  return parts.length > 0 ? `Keep ${parts.join(' and ')}: ` : '';
}

function tellCache(section) {
  const {heads, heads_with_sinks: sinking} = section;
  return `${tellTokensToKeep(section)}${tellShare(section)} (mean over heads). ` +
    `${ofAll(sinking, heads, 'heads')} ${agree(sinking, 'has', 'have')} a sink somewhere.`;
}

function shortCache(section) {
  return section.kept > 0 ? `${tellTokensToKeep(section)}${tellShare(section)}.` : '';
}

function keptTokenTable(keep) {
  const name = (row) => (row.at_start ? 'whatever stands first' : tokenText(row));
  return table([
    {title: 'Token', left: true, code: true, value: name, text: name},
    {title: 'Id', value: (row) => row.id, text: (row) => (row.at_start ? '–' : String(row.id))},
    {title: 'Places in the text', value: (row) => row.occurrences},
    {title: 'That spike', value: (row) => row.spiking},
    {title: 'That are sinks', value: (row) => row.sinking},
    {title: 'Heads that sink there', value: (row) => row.heads},
  ], keep);
}

function cacheNodes(section) {
  const title = element('h3', {textContent: 'Key/value cache'});
  if (!(section.kept > 0)) {
    return [title, paragraph('No place of the text draws enough heads to be kept: a cache may ' +
      'evict any of them alike.')];
  }
  const {least_share_of_heads: least} = section.options;
  return [
    title,
    paragraph(tellCache(section)),
    ...(section.keep.length > 0 ? [keptTokenTable(section.keep)] : []),
    paragraph(`${plural(section.kept, 'place')} of ${plural(section.tokens, 'token')}: those ` +
      `that spike or are a sink of at least ${percentage(100 * least)} of the heads. Without ` +
      'them a cache that evicts old tokens breaks the attention of those heads.', 'quiet'),
  ];
}

const kKvCache = {key: 'kv_cache', build: cacheNodes, short: shortCache};
