// The editor's own words; `options.labels` may replace each.
export const LABELS = {
  text: "Text of the mail",
  tools: "Tools for the text",
  placeholder: "Write, or type / for a button, a picture, a name…",
  orElse: (fallback) => `, or “${fallback}”`,
  onlyFor: (who) => `Only for ${who}`,
  orOnlyFor: (who) => `Or, for ${who}`,
  everybodyElse: "Everybody else sees",
  elseNothing: "Everybody else sees nothing here",
  elseEnd: "Until here",
  wordsForThem: "Words for them",
  change: "Change",
  people: (count, of, language) => {
    const number = new Intl.NumberFormat(language);
    return of ? `${number.format(count)} of ${number.format(of)}` : number.format(count);
  },
  signUp: "Sign up",
  decoration: "Decoration: not read out",
  progress: "A bar with how many have signed, drawn when the mail is opened",
  share: "Links to pass it on: email, WhatsApp, Facebook, X, Bluesky",
  ps: "P.S.",
  note: (number) => `Footnote ${number}`,
};
