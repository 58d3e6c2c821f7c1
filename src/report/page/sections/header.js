// The header: the model's name, its facts and the key figures.
'use strict';

/* global element, paragraph, alarm, keyFigure, number, percentage, ranges, listed, plural */
/* global blockName, largestPeak, warnings, trainingName, trainingFacts, trainingKeys */
/* exported drawHeader, inShort, contents */

function keyFigures(report) {
  const {perplexity, attention_sinks: sinks, life_cycle: life, vocabulary_probe: probe} = report;
  const {prediction, blocks = []} = report.quadratic_form ?? {};
  const keys = [];
  const peak = life && largestPeak(life);
  if (peak) {
    const note = `channel ${peak.channel}, after ${blockName(peak.place)}`;
    keys.push(keyFigure('Largest magnitude', number(peak.magnitude), note));
  }
  if (life) {
    const note = `of ${plural(life.blocks.length, 'block')}`;
    keys.push(keyFigure('Step-up blocks', ranges(life.step_up) || 'none', note));
    keys.push(keyFigure('Step-down blocks', ranges(life.step_down) || 'none', note));
  }
  if (prediction && blocks.some((block) => block.gated)) {
    const note = 'spike channels, from the weights alone';
    keys.push(keyFigure('Predicted', listed(prediction.spike_channels, 4) || 'none', note));
  }
  if (probe) {
    const note = `of ${number(probe.vocabulary)} entries, as the first token`;
    keys.push(keyFigure('Vocabulary that spikes', percentage(probe.percent), note));
  }
  if (sinks) {
    const note = `definition “${sinks.definition}”, key ${sinks.key}, ε = ${sinks.epsilon}`;
    keys.push(keyFigure('Sink ratio', percentage(sinks.sink_ratio_percent), note));
  }
  if (perplexity) {
    const loss = `mean loss ${number(perplexity.mean_loss)}`;
    const note = `over ${plural(perplexity.tokens, 'token')}; ${loss}`;
    keys.push(keyFigure('Perplexity', number(perplexity.perplexity), note));
  }
  if (report.training) keys.push(...trainingKeys(report.training));
  return keys;
}

function drawHeader(report) {
  const {program, configuration = {}, model, training} = report;
  const {model: path, dtype, sequences, length} = configuration;
  const name = path?.split('/').filter(Boolean).pop() ??
    (training ? trainingName(training) : program);
  const facts = [
    model?.model_type,
    model && plural(model.n_layers, 'layer'),
    model && plural(model.n_heads, 'head'),
    model && plural(model.d_model, 'channel'),
    dtype,
    sequences && `${plural(sequences, 'sequence')} of up to ${plural(length, 'token')}`,
    ...(training ? trainingFacts(training) : []),
  ];
  const warned = warnings(report);
  document.title = `${name} – spikesink ${program}`;
  document.getElementById('page').append(element('header', {},
    element('div', {className: 'program', textContent: `spikesink ${program}`}),
    element('h1', {textContent: name}),
    paragraph(facts.filter(Boolean).join(' · '), 'quiet'),
    ...(warned ? [alarm(warned)] : []),
    element('div', {className: 'keys'}, ...keyFigures(report))));
}

// The story in a few sentences, each under the name of its chapter.
function inShort(chapters) {
  const told = chapters.filter(({short}) => short.length > 0);
  if (told.length === 0) return [];
  const item = ({id, title, short}) => element('li', {},
    element('a', {href: `#${id}`, textContent: title}), ` ${short.join(' ')}`);
  return [element('div', {className: 'short'},
    element('h2', {textContent: 'In short'}),
    element('ul', {}, ...told.map(item)))];
}

function contents(chapters) {
  const link = ({id, title}) => element('a', {href: `#${id}`, textContent: title});
  return element('nav', {className: 'contents', ariaLabel: 'Contents'}, ...chapters.map(link));
}
