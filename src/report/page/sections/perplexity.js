// Perplexity: a key figure of the header.

import {keyFigure} from '../elements.js';
import {number, plural} from '../format.js';
import {registerSection} from '../registry.js';

function perplexityKeyFigures({mean_loss: loss, perplexity, tokens}) {
  const note = `over ${plural(tokens, 'token')}; mean loss ${number(loss)}`;
  return [keyFigure('Perplexity', number(perplexity), note)];
}

function warnIfNotFinite({perplexity, tokens}) {
  return tokens > 0 && perplexity === null ? 'The perplexity is not finite.' : '';
}

registerSection({
  key: 'perplexity',
  order: 104,
  keyFigures: perplexityKeyFigures,
  warning: warnIfNotFinite,
  definitionName: 'Perplexity',
});
