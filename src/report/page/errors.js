// What happens when a section cannot be drawn: the page shows why, and goes on.

import {alarm} from './elements.js';

export function showError(error) {
  document.documentElement.dataset.error = String(error);
  const text = `A section of this report could not be drawn: ${error}`;
  document.getElementById('page').prepend(alarm(text));
}

// Returns an empty list where `build` fails: the rest of the page is still worth reading.
export function attempt(build) {
  try {
    return build();
  } catch (error) {
    showError(error);
    return [];
  }
}
