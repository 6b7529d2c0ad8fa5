-- Not passage: its indices would not be used any more (the operators of full text and of arrays are not leakproof), nor its
-- statistics be seen. What a search finds is joined with video, which is kept apart.
select keep_apart(array['folder', 'video', 'video_tag', 'job', 'conversation', 'exchange', 'forgotten', 'spoken']);
