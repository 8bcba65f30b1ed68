// Cuts dataflow text into coloured pieces. For the eye only: what is right or wrong is the server's word.

const kPieces = /(\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|("(?:[^"\\\n]|\\.)*"?)|(0[xX][0-9a-fA-F]+|-?\d+(?:\.\d+)?(?:[a-zA-Z]+)?)|([A-Za-z_][\w.-]*)|(=>|[|{}[\]<>?:;,()=])|(\s+)|([\s\S])/g;
const kClasses = ["comment", "string", "number", "word", "mark", "space", "other"];

// [{start, end, kind}], covering the whole text. Words before "(" are components, before "=" arguments.
export function pieces(text) {
  const out = [];
  for (const match of text.matchAll(kPieces)) {
    const kind = kClasses[match.slice(1).findIndex((group) => group !== undefined)];
    out.push({start: match.index, end: match.index + match[0].length, kind});
  }
  out.forEach((piece, i) => {
    if (piece.kind !== "word") {
      return;
    }
    const word = text.slice(piece.start, piece.end);
    const next = out.slice(i + 1).find((p) => p.kind !== "space");
    const mark = next?.kind === "mark" ? text[next.start] : "";
    if (word === "true" || word === "false") {
      piece.kind = "number";
    } else if (mark === "=" && next.end === next.start + 1) {
      piece.kind = "argument";
    } else if (mark === ":") {
      piece.kind = "node";
    } else {
      piece.kind = "component";
    }
  });
  return out;
}
