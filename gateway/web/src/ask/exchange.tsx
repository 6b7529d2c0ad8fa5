// A question with its answer and what the answer rests on.

import { HoverCard } from "@kobalte/core/hover-card";
import { A } from "@solidjs/router";
import { For, Show, type JSX } from "solid-js";
import { AnswerKind, toSeconds, type Citation } from "@vidmesh/client";

import { clock } from "../format";
import { Icon } from "../parts/icon";
import { Prose } from "../parts/prose-view";
import { Problem, Waiting } from "../parts/states";
import type { Exchange } from "./dialogue";

export function ExchangeView(props: {
  exchange: Exchange;
  /** Whether the question is about one video. */
  single?: boolean;
}): JSX.Element {
  const citation = (number: number) => {
    const found = () => props.exchange.citations.find((one) => one.number === number);
    return (
      <Show when={found()} fallback={<sup>{number}</sup>}>
        {(one) => <CitationMark citation={one()} />}
      </Show>
    );
  };
  return (
    <article class="exchange">
      <h2 class="question" dir="auto">
        {props.exchange.question}
      </h2>
      <Show when={props.exchange.kind === AnswerKind.NOT_FOUND}>
        <p class="badge warn">{props.single ? "Not in this video" : "Not in your videos"}</p>
        <p class="faint">Nothing was said that answers this. Other words may find it.</p>
      </Show>
      <Show
        when={props.exchange.kind !== AnswerKind.NOT_FOUND && props.exchange.text}
        fallback={
          <Show when={props.exchange.writing && props.exchange.kind !== AnswerKind.NOT_FOUND}>
            <Waiting lines={3} label="Looking for the answer" />
          </Show>
        }
      >
        <Prose text={props.exchange.text} citation={citation} />
      </Show>
      <Show when={props.exchange.notice}>{(notice) => <p class="faint small">{notice()}</p>}</Show>
      <Show when={props.exchange.stopped}>
        <p class="faint small">Stopped.</p>
      </Show>
      <Show when={props.exchange.problem}>{(error) => <Problem error={error()} />}</Show>
      <Show when={props.exchange.citations.length > 0}>
        <ol class="sources">
          <For each={props.exchange.citations}>
            {(one) => (
              <li>
                <Source citation={one} />
              </li>
            )}
          </For>
        </ol>
      </Show>
    </article>
  );
}

const playing = (one: Citation) => `/watch/${one.videoId}?t=${toSeconds(one.moment).toFixed(1)}&play=1`;

function Source(props: { citation: Citation }): JSX.Element {
  return (
    <A class="source" href={playing(props.citation)}>
      <span class="source-number">{props.citation.number}</span>
      <span class="source-text">
        <span class="source-quote" dir="auto">
          {props.citation.quote}
        </span>
        <Where citation={props.citation} />
      </span>
    </A>
  );
}

function CitationMark(props: { citation: Citation }): JSX.Element {
  const label = () =>
    `Source ${props.citation.number}: ${props.citation.videoTitle} at ${clock(toSeconds(props.citation.moment))}`;
  return (
    <HoverCard openDelay={200} closeDelay={100}>
      <HoverCard.Trigger as={A} class="cite" href={playing(props.citation)} aria-label={label()}>
        {props.citation.number}
      </HoverCard.Trigger>
      <HoverCard.Portal>
        <HoverCard.Content class="hover-card">
          <p dir="auto">“{props.citation.quote}”</p>
          <Where citation={props.citation} />
        </HoverCard.Content>
      </HoverCard.Portal>
    </HoverCard>
  );
}

function Where(props: { citation: Citation }): JSX.Element {
  return (
    <span class="faint small">
      <Icon name="play" /> {clock(toSeconds(props.citation.moment))} ·{" "}
      <span dir="auto">{props.citation.videoTitle}</span>
    </span>
  );
}
