// The console's words: one Fluent catalogue in two languages. English is always there and stands in for what Afrikaans lacks.
import { FluentBundle, FluentResource, type FluentVariable } from '@fluent/bundle';
import english from '../locales/en.ftl?raw';
import { kept, keep } from './kept';

export const LANGUAGES = { en: 'English', af: 'Afrikaans' } as const;
export type Language = keyof typeof LANGUAGES;

/** Makes a bundle of a catalogue's text; what does not parse is left out by Fluent, which a test of the catalogues notices. */
export function bundleOf(language: string, text: string): FluentBundle {
  const bundle = new FluentBundle(language === 'en' ? 'en-GB' : language, { useIsolating: false });
  bundle.addResource(new FluentResource(text));
  return bundle;
}

const fallback = bundleOf('en', english);

class Words {
  language: Language = $state('en');
  private bundle: FluentBundle = $state.raw(fallback);

  async use(language: Language): Promise<void> {
    this.bundle = language === 'en' ? fallback : bundleOf(language, (await import('../locales/af.ftl?raw')).default);
    this.language = language;
    document.documentElement.lang = language;
    keep('language', language);
  }

  /** Takes the language that was chosen last, else the browser's. */
  async begin(): Promise<void> {
    const chosen = kept('language') ?? navigator.language?.slice(0, 2);
    if (chosen === 'af') await this.use('af').catch(() => undefined);
  }

  say(key: string, values?: Record<string, FluentVariable>): string {
    for (const bundle of [this.bundle, fallback]) {
      const message = bundle.getMessage(key);
      if (message?.value) return bundle.formatPattern(message.value, values ?? null, []);
    }
    return key;
  }

  knows(key: string): boolean { return fallback.hasMessage(key); }
}

export const words = new Words();

/** Says a message of the catalogue in the language of the screen. */
export const t = (key: string, values?: Record<string, FluentVariable>): string => words.say(key, values);

/** Says `family-value`, or the value itself when the catalogue has no word for it: for names that the server may add to. */
export const term = (family: string, value: string): string => {
  const key = `${family}-${value.replaceAll('_', '-').toLowerCase()}`;
  return words.knows(key) ? words.say(key) : value.replaceAll('_', ' ');
};

/** Writes a number with the separators of the language of the screen. */
export const number = (of: number): string => of.toLocaleString(words.language === 'en' ? 'en-GB' : words.language);
