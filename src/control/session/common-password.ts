/** Words that passwords are made of most often, without their digits, signs and upper case. */
const commonWords = new Set(
  `password passwort passwd pass pwd admin administrator root toor user guest test testing tester default changeme changethis
  secret secrets letmein welcome login logon access master superuser superman batman spiderman qwerty qwertz azerty qwertyui
  qwertyuiop asdf asdfgh asdfghjkl zxcvbn zxcvbnm yxcvbnm qazwsx qazwsxedc wsxedc iloveyou loveyou iloveme monkey dragon
  football baseball basketball hockey soccer princess sunshine shadow michael jennifer jordan charlie daniel ashley jessica
  thomas robert matthew andrew joshua nicole hunter ranger harley mustang corvette ferrari porsche mercedes computer internet
  samsung google facebook microsoft windows linux ubuntu debian oracle mysql postgres database server system network storage
  backup minio minioadmin maxiofs maxiofsadmin seaweedfs ceph bucket amazon rustfs rustfsadmin summer winter spring autumn
  january february march april june july august september october november december monday tuesday wednesday thursday friday
  saturday sunday hello helloworld whatever trustno starwars pokemon naruto matrix freedom killer pepper ginger cookie cheese
  banana orange purple flower butterfly chocolate london berlin paris madrid moscow newyork america canada england germany
  france company manager office service support operator security private temp temporary demo example sample nothing none
  abc abcd abcde abcdef abcdefg abcdefgh abcdefghi aa bb xx xxx zzz qq qwer qwert wert asd zxc qaz wsx edc love lovely sexy
  fuckyou asshole bitch money hottie angel babygirl family friends forever jesus blessed success diamond`.split(/\s+/),
);

/** Rows of keyboards and counting: any piece of these, forwards or backwards, is guessed first. */
const sequences = [
  "01234567890123456789",
  "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
  "qwertyuiopasdfghjklzxcvbnm",
  "qwertzuiopasdfghjklyxcvbnm",
  "1q2w3e4r5t6y7u8i9o0p",
  "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik",
  "q1w2e3r4t5y6u7i8o9p0",
];

const lookalikes: Readonly<Record<string, string>> = {
  "@": "a",
  "4": "a",
  "0": "o",
  "1": "i",
  "!": "i",
  "3": "e",
  $: "s",
  "5": "s",
  "7": "t",
  "+": "t",
  "8": "b",
};

/**
 * Whether a password is among those tried first: a common word with digits, signs, upper case or look-alikes (`P@ssw0rd1!`), the
 * same word twice, a row of a keyboard, counting, one character repeated.
 * Source: https://github.com/danielmiessler/SecLists (the most common of 10-million-password-list), SplashData's yearly lists.
 */
export function isCommonPassword(password: string): boolean {
  const text = password.toLowerCase();
  if (new Set(text).size <= 2) return true;
  const squeezed = text.replaceAll(/[\s._-]/g, "");
  if (isSequence(squeezed)) return true;
  return [bare(squeezed), bare(replaceLookalikes(trimEnds(squeezed))), bare(replaceLookalikes(squeezed))].some(
    isCommonWord,
  );
}

function isCommonWord(word: string): boolean {
  if (commonWords.has(word)) return true;
  const half = word.slice(0, word.length / 2);
  return half + half === word && commonWords.has(half);
}

function isSequence(text: string): boolean {
  const backwards = [...text].reverse().join("");
  return sequences.some((row) => row.includes(text) || row.includes(backwards));
}

/** Digits and signs that were put before and after a word. */
function trimEnds(text: string): string {
  return text.replaceAll(/^[\d!?.,*#+-]+|[\d!?.,*#+-]+$/g, "");
}

function bare(text: string): string {
  return text.replaceAll(/^[^a-z]+|[^a-z]+$/g, "");
}

function replaceLookalikes(text: string): string {
  return [...text].map((character) => lookalikes[character] ?? character).join("");
}
